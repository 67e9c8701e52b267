import { parse, View, type Spec } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile, type TopLevelSpec } from "vega-lite";
import { serve } from "./exchange";

/** Without the interpreter Vega would make code from the text of expressions. */
serve(async (place, figure, note) => {
  const lite = String(figure.$schema).includes("/vega-lite/");
  const told = new Set<string>();
  const say = (...texts: unknown[]) => {
    const text = texts.map(String).join(" ");
    if (!told.has(text)) note(text);
    told.add(text);
    return logger;
  };
  const quiet = () => logger;
  const logger = { level: (() => 2) as never, error: say, warn: say, info: quiet, debug: quiet };
  const spec = lite ? compile(figure as unknown as TopLevelSpec, { logger }).spec : (figure as unknown as Spec);
  const elsewhere = (address: unknown) => Promise.reject(new Error(`What is elsewhere is not loaded: ${String(address)}`));
  const view = new View(parse(spec, undefined, { ast: true }), {
    expr: expressionInterpreter,
    loader: { load: elsewhere, sanitize: elsewhere, http: elsewhere, file: elsewhere } as never,
    logger,
    renderer: "canvas",
    container: place,
    hover: true,
  });
  await view.runAsync();
});
