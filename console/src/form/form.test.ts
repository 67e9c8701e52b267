import { expect, test } from "vitest";
import { inputSchema } from "../api/services";
import { curlCall, pythonCall, sxCall } from "./callTexts";
import { validator, withoutPatterns } from "./validator";

test("errors are found at their places, without patterns", () => {
  const schema = {
    type: "object",
    required: ["a"],
    properties: { a: { type: "string", pattern: "^(a+)+$" }, b: { type: "integer", maximum: 3 } },
  } as const;
  const found = validator.validateFormData({ a: `${"a".repeat(40)}!`, b: 4 }, schema as never, undefined);
  expect(found.errors.map((one) => one.property)).toEqual([".b"]);
  expect(JSON.stringify(withoutPatterns(schema))).not.toContain("pattern");
  expect(withoutPatterns({ properties: { pattern: { type: "string" } } })).toEqual({
    properties: { pattern: { type: "string" } },
  });
});

test("a service's own schema is taken out of its OpenAPI text", () => {
  const own = { type: "object", properties: { n: { type: "integer" } } };
  const added = { $secrets: { type: "object", properties: { token: { type: "string" } } }, $tags: { type: "array" } };
  const open = { components: { schemas: { Input: { type: "object", properties: added, allOf: [own] } } } };
  expect(inputSchema(open)).toMatchObject({ schema: own, secrets: ["token"] });
  const closed = { ...own, additionalProperties: false, properties: { ...own.properties, ...added } };
  const found = inputSchema({ components: { schemas: { Input: closed } } });
  expect(Object.keys((found.schema?.properties ?? {}) as object)).toEqual(["n"]);
  expect(inputSchema({ components: { schemas: { Input: { type: "object", properties: added } } } }).schema).toBeNull();
});

test("calls hold any text as one word", () => {
  const input = { text: "it's $HOME `x`" };
  expect(sxCall("n", "s", input)).toBe(`sx run s -n n -d '{"text":"it'\\''s $HOME \`x\`"}'`);
  expect(curlCall("http://g/services/n/s", input)).toContain("it'\\''s");
  expect(pythonCall("http://g", input)).toContain('\\"text\\"');
});
