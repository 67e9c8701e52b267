import { expect, test } from "vitest";
import { marked, plain, searched } from "./logLines";

test("escapes of terminals are left out, and all else stays", () => {
  expect(plain("\u001b[31mred\u001b[0m \u001b]0;title\u0007a\tb\u001b[2J\u0000 <b>")).toBe("red a\tb <b>");
  expect(plain("x".repeat(50_000)).length).toBeLessThan(21_000);
});

test("hits are marked in any case", () => {
  expect(marked("An error, an Error", "error").map((one) => [one.text, one.hit])).toEqual([
    ["An ", false],
    ["error", true],
    [", an ", false],
    ["Error", true],
  ]);
});

test("four hundred thousand lines are searched", () => {
  const lines = Array.from({ length: 400_000 }, (_, index) => ({
    message: `line ${index} of the log`,
    severity: index % 2 ? "INFO" : "ERROR",
    timestamp: "",
  }));
  expect(searched(lines, "LINE 399999", null)).toHaveLength(1);
  expect(searched(lines, "", "ERROR")).toHaveLength(200_000);
});
