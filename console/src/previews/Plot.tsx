import { useMemo } from "react";
import { Chart } from "../parts/Chart";
import type { Column } from "./columns";

/** One column against another, in the order of the one across. */
export function Plot({ x, y }: { x: Column | null; y: Column }) {
  const drawn = useMemo(() => {
    const order = [...y.values.keys()];
    if (x) order.sort((a, b) => (x.values[a] ?? 0) - (x.values[b] ?? 0));
    return {
      across: { name: x?.name ?? "row", values: order.map((row) => (x ? (x.values[row] ?? 0) : row)) },
      up: { name: y.name },
      lines: [{ name: y.name, values: order.map((row) => y.values[row] ?? null) }],
    };
  }, [x, y]);
  return <Chart label={`${y.name} by ${x?.name ?? "row"}`} {...drawn} />;
}
