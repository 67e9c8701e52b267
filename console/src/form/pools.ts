import type { JsonObject } from "../api/types";

export interface Reference {
  id: string;
  ref: string;
}

const KIND = "DATAPOOL";

/** How a schema wants a data pool's kind written, as builds and the platform's libraries do; null when it describes none. */
export function poolKind(schema: unknown): string | null {
  const properties = object(object(schema)?.properties);
  const reference = object(properties?.ref);
  if (!object(properties?.id) || !reference) return null;
  const named = [reference.const, ...(Array.isArray(reference.enum) ? (reference.enum as unknown[]) : [])];
  const kind = named.find((one) => typeof one === "string" && one.toUpperCase() === KIND);
  if (typeof kind === "string") return kind;
  // Builds write a pattern such as ^[dD][aA]…: compared as text, since a pattern of a stranger is never run
  const text = typeof reference.pattern === "string" ? reference.pattern.replace(/\[(\w)\w\]/g, "$1") : "";
  return text.toUpperCase() === `^${KIND}$` ? KIND : null;
}

/** The input without data pools that nobody has chosen: a form makes an empty object for each. */
export function withoutEmptyPools(data: JsonObject, schema: JsonObject | null): JsonObject {
  const properties = object(schema?.properties) ?? {};
  return Object.fromEntries(
    Object.entries(data).filter(([name, value]) => poolKind(properties[name]) === null || object(value)?.id),
  );
}

function object(value: unknown): Record<string, unknown> | null {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}
