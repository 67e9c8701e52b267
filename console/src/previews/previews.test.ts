// @vitest-environment jsdom
import { expect, test } from "vitest";
import { columnsOf, MOST_COLUMNS, narrowed } from "./columns";
import { withNonce } from "./Framed";
import { kindOf } from "./kinds";
import { documentOf, readable } from "./Markdown";

const file = (path: string, mediaType: string) => ({ path, mediaType, size: 1, sha256: "" });

test("a file is shown by its media type, and else by its name", () => {
  expect(kindOf(file("a.bin", "text/csv; charset=utf-8"))).toBe("csv");
  expect(kindOf(file("a.md", "application/octet-stream"))).toBe("markdown");
  expect(kindOf(file("a.svg", "image/svg+xml"))).toBe("image");
  expect(kindOf(file("a.tiff", "image/tiff"))).toBeNull();
  expect(kindOf(file("a.bin", "application/octet-stream"))).toBeNull();
});

test("columns of numbers are found", () => {
  const found = columnsOf([
    ["t", "name", "x"],
    ["0", "a", "1e3"],
    ["1", "b", ""],
  ]);
  expect(found.map((one) => [one.name, one.values])).toEqual([["t", [0, 1]]]);
});

test("a framed page keeps nothing that leads elsewhere", () => {
  const text = withNonce(
    '<base href="http://e/"><meta http-equiv="refresh" content="0"><link href="http://e/a.css"><style>a{}</style><script>1</script><h1>T</h1>',
  );
  expect(text).toContain("<h1>T</h1>");
  expect(text).toContain("nonce");
  for (const word of ["<base", "http-equiv", "<link", "<script"]) expect(text).not.toContain(word);
});

test("markdown keeps its text and loses what runs", () => {
  const box = document.createElement("div");
  box.append(documentOf('# T\n<img src=x onerror=alert(1)> [a](javascript:alert(1)) [b](https://example.com) <form></form>'));
  expect(box.querySelector("h1")?.textContent).toBe("T");
  expect(box.innerHTML).not.toMatch(/onerror|javascript:|<form/);
  expect(box.querySelector("a[href^=https]")?.getAttribute("rel")).toContain("noopener");
});

test("a file of millions of columns is shown by its first ones", () => {
  const { rows, width } = narrowed([["a", "b"], new Array<string>(1_000_000).fill("")]);
  expect(width).toBe(1_000_000);
  expect(rows.map((row) => row.length)).toEqual([2, MOST_COLUMNS]);
});

test("markdown that would stall or end the page is no document", () => {
  expect(readable("# T")).not.toBeNull();
  expect(readable(">".repeat(20_000))).toBeNull();
  const began = performance.now();
  expect(readable("_a".repeat(100_000))).toBeNull();
  expect(readable("word ".repeat(1_000_000))).toBeNull();
  expect(performance.now() - began).toBeLessThan(500);
});
