import { expect, test } from "vitest";
import type { JsonObject } from "../api/types";
import { poolKind, withoutEmptyPools } from "./pools";

const pool = (reference: JsonObject): JsonObject => ({ type: "object", properties: { id: { type: "string" }, ref: reference } });

test("a data pool is known by its members, however its kind is written", () => {
  expect(poolKind(pool({ enum: ["datapool"] }))).toBe("datapool");
  expect(poolKind(pool({ const: "DataPool" }))).toBe("DataPool");
  expect(poolKind(pool({ pattern: "^[dD][aA][tT][aA][pP][oO][oO][lL]$" }))).toBe("DATAPOOL");
  for (const other of [pool({ pattern: "^(a+)+$" }), pool({ type: "string" }), {}, null, true, { properties: [] }])
    expect(poolKind(other)).toBeNull();
});

test("only data pools that were not chosen are left out", () => {
  const schema = { properties: { a: pool({ enum: ["datapool"] }), b: pool({ enum: ["datapool"] }), c: { type: "object" } } };
  const data = { a: {}, b: { id: "1", ref: "DATAPOOL" }, c: {} };
  expect(withoutEmptyPools(data, schema)).toEqual({ b: data.b, c: {} });
  expect(withoutEmptyPools(data, null)).toEqual(data);
});
