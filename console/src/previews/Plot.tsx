import "uplot/dist/uPlot.min.css";
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import type { Column } from "./columns";

const HEIGHT = 260;

export function Plot({ x, y }: { x: Column | null; y: Column }) {
  const place = useRef<HTMLDivElement>(null);
  const dark = useComputedColorScheme("light") === "dark";
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const colour = dark ? "#ddd" : "#222";
    const axis = { stroke: colour, grid: { stroke: dark ? "#444" : "#ddd" } };
    const order = [...y.values.keys()];
    if (x) order.sort((a, b) => (x.values[a] ?? 0) - (x.values[b] ?? 0));
    const plot = new uPlot(
      {
        width: box.clientWidth || 600,
        height: HEIGHT,
        scales: { x: { time: false } },
        axes: [{ ...axis, label: x?.name ?? "row" }, { ...axis, label: y.name }],
        series: [{ label: x?.name ?? "row" }, { label: y.name, stroke: dark ? "#91a7ff" : "#364fc7", width: 2 }],
      },
      [order.map((row) => (x ? (x.values[row] ?? 0) : row)), order.map((row) => y.values[row] ?? null)],
      box,
    );
    const resized = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT }));
    resized.observe(box);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [x, y, dark]);
  return <div ref={place} role="img" aria-label={`${y.name} by ${x?.name ?? "row"}`} />;
}
