import { Text } from "@mantine/core";
import { counted } from "../api/numbers";
import { WAITS_FOR } from "../api/overview";

/** How many executions wait for what, a line each. */
export function WaitsFor({ counts }: { counts: [string, number][] }) {
  return (
    <>
      {counts.map(([what, count]) => (
        <Text size="sm" key={what}>
          {counted(count)} {count === 1 ? "waits" : "wait"} {WAITS_FOR[what] ?? `for ${what}`}
        </Text>
      ))}
    </>
  );
}
