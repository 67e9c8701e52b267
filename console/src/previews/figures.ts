import type { Json, JsonObject } from "../api/types";

export type Library = "vega" | "plotly";

const VEGA = /^https?:\/\/vega\.github\.io\/schema\/vega(-lite)?\/v\d/;
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Which library draws this document: Vega and Vega-Lite name their schema, a figure of Plotly has data and layout. */
export function libraryOf(value: Json): Library | null {
  if (!isObject(value)) return null;
  if (typeof value.$schema === "string" && VEGA.test(value.$schema)) return "vega";
  if (isObject(value.layout) && Array.isArray(value.data) && value.data.every(isObject)) return "plotly";
  return null;
}

export const LOWEST = 100;
export const HIGHEST = 3000;

/** The height of a frame in pixels that says so itself; null when it says none. */
export function heightOf(told: unknown): number | null {
  return typeof told === "number" && Number.isFinite(told) ? Math.min(HIGHEST, Math.max(LOWEST, Math.ceil(told))) : null;
}
