"use strict";
// Each member of the input is a file; what is written below the output folder is the output, output.json the main result.

const fs = require("node:fs");
const path = require("node:path");
const { countWords } = require("./count.js");

const input = process.env.INPUT_DIRECTORY ?? "/var/runtime/input";
const output = process.env.OUTPUT_DIRECTORY ?? "/var/runtime/output";

function member(name, missing) {
  const file = path.join(input, `${name}.json`);
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : missing;
}

const { text } = member("data");
const { top = 10 } = member("params", {});
const counts = countWords(text, process.env.WORDS_LANGUAGE ?? "en");
console.log(`${text.length} characters, ${counts.length} different words`);

const lines = counts.map(([word, count]) => `${word},${count}\n`);
fs.writeFileSync(path.join(output, "counts.csv"), `word,count\n${lines.join("")}`);
const result = { words: counts.length, top: Object.fromEntries(counts.slice(0, top)) };
fs.writeFileSync(path.join(output, "output.json"), JSON.stringify(result));
