import hooks from "eslint-plugin-react-hooks";
import { defineConfig } from "eslint/config";
import ts from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist", "node_modules"] },
  ts.configs.strict,
  hooks.configs.flat.recommended,
  {
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Results are hostile: show them as text, or in a frame without an origin.",
        },
      ],
      "no-eval": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
    },
  },
);
