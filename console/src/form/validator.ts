import { Validator } from "@cfworker/json-schema";
import type { RJSFSchema, RJSFValidationError, ValidationData, ValidatorType } from "@rjsf/utils";
import { toErrorSchema } from "@rjsf/utils";

/** Checks without making code from schemas, which the page's policy forbids and ajv would do.

Patterns and formats are left to the server: the schema is a stranger's, and one bad pattern would hold this page for ever. */
export const validator: ValidatorType = {
  validateFormData(data, schema): ValidationData<unknown> {
    const errors = check(schema, data).map(
      (found): RJSFValidationError => ({ stack: found.message, message: found.message, property: found.property }),
    );
    return { errors, errorSchema: toErrorSchema(errors) };
  },
  isValid(schema, data, root) {
    const whole = { ...(schema as object), components: (root as { components?: unknown }).components } as RJSFSchema;
    return check(whole, data).length === 0;
  },
  rawValidation(schema, data) {
    return { errors: check(schema, data) as never[] };
  },
};

interface Found {
  property: string;
  message: string;
}

function check(schema: RJSFSchema, data: unknown): Found[] {
  try {
    const found = new Validator(withoutPatterns(schema) as never, "2020-12", false).validate(data ?? null);
    return found.errors
      .filter((one) => !CONTAINERS.has(one.keyword))
      .map((one) => ({ property: propertyOf(one.instanceLocation), message: one.error }));
  } catch {
    return []; // A schema that cannot be read here is the server's to check
  }
}

const CONTAINERS = new Set(["properties", "items", "allOf", "additionalProperties", "$ref", "prefixItems"]);

function propertyOf(location: string): string {
  const parts = location.split("/").slice(1);
  return parts.map((part) => `.${part.replaceAll("~1", "/").replaceAll("~0", "~")}`).join("");
}

export function withoutPatterns(schema: unknown, depth = 0): unknown {
  if (depth > 100 || schema === null || typeof schema !== "object") return schema;
  if (Array.isArray(schema)) return schema.map((one) => withoutPatterns(one, depth + 1));
  const kept = Object.entries(schema).filter(
    ([name, value]) =>
      !(name === "patternProperties" || ((name === "pattern" || name === "format") && typeof value === "string")),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutPatterns(value, depth + 1)]));
}
