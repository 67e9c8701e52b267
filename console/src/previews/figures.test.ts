import { expect, test } from "vitest";
import type { Json } from "../api/types";
import { heightOf, HIGHEST, libraryOf, LOWEST } from "./figures";

test("a figure is known by its schema, or by its data and layout", () => {
  expect(libraryOf({ $schema: "https://vega.github.io/schema/vega-lite/v5.json", mark: "bar" })).toBe("vega");
  expect(libraryOf({ $schema: "https://vega.github.io/schema/vega/v6.json" })).toBe("vega");
  expect(libraryOf({ data: [{ type: "bar", y: [1] }], layout: {} })).toBe("plotly");
  const others: Json[] = [null, [1], { data: [1], layout: {} }, { data: [{}] }, { $schema: "https://json-schema.org/x" }];
  for (const other of others) expect(libraryOf(other)).toBeNull();
});

test("a frame is as high as it says, within bounds", () => {
  expect([heightOf(300.2), heightOf(1e9), heightOf(-1)]).toEqual([301, HIGHEST, LOWEST]);
  for (const other of ["9", null, undefined, Number.NaN, {}]) expect(heightOf(other)).toBeNull();
});
