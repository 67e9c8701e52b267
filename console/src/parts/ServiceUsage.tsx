import { Select, Text } from "@mantine/core";
import { lazy, Suspense, useMemo, useState } from "react";
import type { Service } from "../api/services";
import { useMonths, type Month } from "../api/usage";
import { Head } from "./Head";
import { Empty, Loading, Problem } from "./states";

const Chart = lazy(() => import("./Chart").then((found) => ({ default: found.Chart })));
const SUMS: Record<string, (one: Month) => number> = {
  "CPU hours": (one) => one.cpuSeconds / 3600,
  "GiB hours": (one) => one.gibHours,
  Executions: (one) => one.executions,
  Failed: (one) => one.failures,
};

/** What a service has used, by the month in which its executions ended. */
export function ServiceUsage({ namespace, service }: { namespace: string; service: Service }) {
  const months = useMonths(namespace, service.name);
  if (months.isPending) return <Loading what="what the service has used" />;
  if (months.isError) return <Problem error={months.error} retry={() => void months.refetch()} />;
  if (!months.data.some((one) => one.executions > 0)) return <Empty>No execution of it has ended yet.</Empty>;
  return (
    <>
      <ByMonth months={months.data} />
      <table className="executions" aria-label="Usage by month">
        <Head columns={["Month", "Executions", "Failed", { wide: "Cancelled" }, "CPU hours", "GiB hours"]} />
        <tbody>
          {[...months.data].reverse().map((one) => (
            <tr key={one.month}>
              <th scope="row">{one.month}</th>
              <td>{one.executions.toLocaleString()}</td>
              <td>{one.failures.toLocaleString()}</td>
              <td className="wide">{one.cancelled.toLocaleString()}</td>
              <td>{(one.cpuSeconds / 3600).toFixed(3)}</td>
              <td>
                {one.gibHours.toFixed(3)}
                {one.partial && " or more"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Text size="sm" mt="xs">
        Executions count in the month in which they ended, also when they are deleted. Memory is the peak of each, for
        as long as its program ran.
      </Text>
    </>
  );
}

function ByMonth({ months }: { months: Month[] }) {
  const [sum, setSum] = useState("CPU hours");
  const drawn = useMemo(() => {
    const value = SUMS[sum] ?? (() => 0);
    return {
      across: { name: "month", values: [...months.keys()], shown: (index: number) => months[index]?.month ?? "" },
      up: { name: sum },
      lines: [{ name: sum, values: months.map(value) }],
    };
  }, [months, sum]);
  return (
    <>
      <Select label="Show" data={Object.keys(SUMS)} value={sum} onChange={(value) => value && setSum(value)} allowDeselect={false} maw={220} />
      <Suspense fallback={<Loading what="the chart" />}>
        <Chart label={`${sum} by month`} {...drawn} bars />
      </Suspense>
    </>
  );
}
