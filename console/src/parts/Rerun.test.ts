// @vitest-environment jsdom
import { expect, test } from "vitest";
import { changesOf } from "./Rerun";

test("only what was changed is sent", () => {
  expect(changesOf("", "a, b", ["a", "b"])).toEqual({});
  expect(changesOf('{"seed": 2}', "a", ["a", "b"])).toEqual({ input: { seed: 2 }, tags: ["a"] });
});

test("a wrong text is named", () => {
  expect(() => changesOf("{", "", [])).toThrow("no JSON");
  expect(() => changesOf("[1]", "", [])).toThrow("must be a JSON object");
});
