"use strict";
// node --test

const assert = require("node:assert");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { test } = require("node:test");
const { countWords } = require("../src/count.js");

test("the most frequent come first, equals in alphabetical order", () => {
  assert.deepStrictEqual(countWords("b a, B? c", "en"), [["b", 2], ["a", 1], ["c", 1]]);
});

test("the example, as the container runs it", () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "words-"));
  const root = path.join(__dirname, "..");
  for (const [name, value] of Object.entries(JSON.parse(fs.readFileSync(path.join(root, "input.json"), "utf8")))) {
    fs.writeFileSync(path.join(scratch, `${name}.json`), JSON.stringify(value));
  }
  const env = { ...process.env, INPUT_DIRECTORY: scratch, OUTPUT_DIRECTORY: scratch };
  execFileSync(process.execPath, [path.join(root, "src", "index.js")], { env });
  const result = JSON.parse(fs.readFileSync(path.join(scratch, "output.json"), "utf8"));
  assert.deepStrictEqual(result, { words: 3, top: { a: 3, rose: 3 } });
  assert.strictEqual(fs.readFileSync(path.join(scratch, "counts.csv"), "utf8"), "word,count\na,3\nrose,3\nis,2\n");
  fs.rmSync(scratch, { recursive: true });
});
