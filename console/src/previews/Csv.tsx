import { Button, Group, Select, Text } from "@mantine/core";
import Papa from "papaparse";
import { lazy, Suspense, useMemo, useState } from "react";
import { Head } from "../parts/Head";
import { Loading } from "../parts/states";
import { columnsOf, MOST_COLUMNS, narrowed, type Column } from "./columns";

const Plot = lazy(() => import("./Plot").then((found) => ({ default: found.Plot })));
const PIECE = 200;
const MOST_ROWS = 200_000;

export function Csv({ text }: { text: string }) {
  const { rows, width } = useMemo(() => narrowed(Papa.parse<string[]>(text, { skipEmptyLines: true, preview: MOST_ROWS }).data), [text]);
  const [shown, setShown] = useState(PIECE);
  const columns = useMemo(() => columnsOf(rows), [rows]);
  const [head, ...body] = rows;
  if (!head) return <Text>The file is empty.</Text>;
  return (
    <>
      <Chart columns={columns} />
      <table>
        <Head columns={head} />
        <tbody>
          {body.slice(0, shown).map((row, index) => (
            <tr key={index}>
              {row.map((cell, at) => (
                <td key={at}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <Group mt="xs">
        <Text size="sm">
          {body.length.toLocaleString()} rows{width > MOST_COLUMNS && `, the first ${MOST_COLUMNS} of ${width.toLocaleString()} columns`}
        </Text>
        {body.length > shown && (
          <Button size="compact-xs" variant="default" onClick={() => setShown(shown + PIECE)}>
            Show {PIECE} more
          </Button>
        )}
      </Group>
    </>
  );
}

/** One column against another, both of numbers; the first is the usual x. */
function Chart({ columns }: { columns: Column[] }) {
  const [x, setX] = useState<string | null>(null);
  const [y, setY] = useState<string | null>(null);
  if (columns.length === 0) return null;
  const names = [{ value: "", label: "row" }, ...columns.map((one) => ({ value: one.key, label: one.name }))];
  const across = x ?? (columns.length > 1 ? (columns[0]?.key ?? "") : "");
  const up = columns.find((one) => one.key === y) ?? columns[columns.length > 1 ? 1 : 0];
  if (!up) return null;
  return (
    <>
      <Group gap="sm" mb="xs">
        <Select label="Across" data={names} value={across} onChange={setX} allowDeselect={false} />
        <Select label="Up" data={names.slice(1)} value={up.key} onChange={setY} allowDeselect={false} />
      </Group>
      <Suspense fallback={<Loading what="the plot" />}>
        <Plot x={columns.find((one) => one.key === across) ?? null} y={up} />
      </Suspense>
    </>
  );
}
