import "uplot/dist/uPlot.min.css";
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";

const HEIGHT = 260;
const WIDEST_AXIS = 76;
const COLOURS = { light: ["#364fc7", "#c92a2a"], dark: ["#91a7ff", "#ffa8a8"] };

export interface Line {
  name: string;
  values: (number | null)[];
}

interface ChartProps {
  /** What a reader who does not see it is told. */
  label: string;
  across: { name: string; values: number[]; shown?: (value: number) => string };
  up: { name: string; shown?: (value: number) => string };
  lines: Line[];
  bars?: boolean;
}

/** Lines or bars over one axis, drawn anew when one of the properties changes: give it the same objects again. */
export function Chart({ label, across, up, lines, bars = false }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const dark = scheme === "dark";
    const axis = { stroke: dark ? "#ddd" : "#222", grid: { stroke: dark ? "#444" : "#ddd" } };
    const text = (shown?: (value: number) => string) =>
      shown && { values: (_: uPlot, splits: number[]) => splits.map(shown) };
    const value = (shown?: (value: number) => string) =>
      shown && { value: (_: uPlot, found: number | null) => (found === null ? "–" : shown(found)) };
    const drawn = bars ? { paths: uPlot.paths.bars?.({ size: [0.6, 60] }), fill: COLOURS[scheme][0] } : {};
    const plot = new uPlot(
      {
        width: box.clientWidth || 600,
        height: HEIGHT,
        scales: { x: { time: false, ...(bars && { range: (_: uPlot, low: number, high: number) => [low - 0.6, high + 0.6] }) } },
        axes: [
          { ...axis, label: across.name, ...text(across.shown), ...(bars && { incrs: [1, 2, 3, 6, 12] }) },
          { ...axis, label: up.name, ...text(up.shown), ...(up.shown && { size: WIDEST_AXIS }) },
        ],
        series: [
          { label: across.name, ...value(across.shown) },
          ...lines.map((line, index) => ({
            label: line.name,
            stroke: COLOURS[scheme][index % 2],
            width: 2,
            spanGaps: true,
            ...(index > 0 && { dash: [6, 4] }),
            ...value(up.shown),
            ...drawn,
          })),
        ],
      },
      [across.values, ...lines.map((line) => line.values)],
      box,
    );
    const resized = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT }));
    resized.observe(box);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [across, up, lines, bars, scheme]);
  return <div ref={place} role="img" aria-label={label} />;
}
