import { Button, Group, Text, Title } from "@mantine/core";
import { lazy, Suspense, useMemo } from "react";
import { factsOf, useReceipt } from "../api/receipts";
import { shownBytes, shownSeconds, shownTime } from "../api/times";
import { hasEnded, type Execution } from "../api/types";
import { courseOf, useMetrics, type Course, type Metrics } from "../api/usage";
import { Facts } from "./Facts";
import { Head } from "./Head";
import { save } from "./save";
import { Loading, Problem } from "./states";

const Chart = lazy(() => import("./Chart").then((found) => ({ default: found.Chart })));
const CORES = { name: "cores" };
const MEMORY = { name: "memory", shown: shownBytes };

/** What ran, with what, for how long, and what it used. */
export function Receipt({ namespace, one }: { namespace: string; one: Execution }) {
  const receipt = useReceipt(namespace, one);
  if (receipt.isPending) return <Loading what="the receipt" />;
  if (receipt.isError) return <Problem error={receipt.error} retry={() => void receipt.refetch()} />;
  const download = () => save(new Blob([JSON.stringify(receipt.data, null, 2)]), `${one.id}.receipt.json`);
  return (
    <>
      <Usage namespace={namespace} one={one} />
      <Title order={2} size="h4" mt="md">
        Receipt
      </Title>
      {!receipt.data.final && <Text size="sm">It has not ended: the receipt is not final yet.</Text>}
      <Facts label="Receipt" facts={factsOf(receipt.data)} />
      {(receipt.data.phases ?? []).length > 0 && (
        <table className="executions" aria-label="Phases of the receipt">
          <Head columns={["Phase", "From", "For"]} />
          <tbody>
            {receipt.data.phases?.map((phase) => (
              <tr key={phase.name}>
                <th scope="row">{phase.name}</th>
                <td>{shownTime(phase.from)}</td>
                <td>{shownSeconds(phase.seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Group mt="sm">
        <Button size="xs" variant="default" onClick={download}>
          Download the receipt
        </Button>
      </Group>
    </>
  );
}

function Usage({ namespace, one }: { namespace: string; one: Execution }) {
  const metrics = useMetrics(namespace, one);
  if (!hasEnded(one)) return <Text>What it uses over time is shown when it has ended.</Text>;
  if (metrics.isPending) return <Loading what="what it has used" />;
  if (metrics.isError) return <Problem error={metrics.error} retry={() => void metrics.refetch()} />;
  if (metrics.data.memoryUsage.length === 0) return <Text>What it has used over time is not known.</Text>;
  return <Courses metrics={metrics.data} />;
}

function Courses({ metrics }: { metrics: Metrics }) {
  const cpu = useMemo(() => courseOf(metrics.cpuUsage, metrics.cpuLimit, metrics.startTime), [metrics]);
  const memory = useMemo(() => courseOf(metrics.memoryUsage, metrics.memoryLimit, metrics.startTime), [metrics]);
  return (
    <Suspense fallback={<Loading what="the charts" />}>
      {cpu.seconds.length > 0 && <OverTime label="CPU over time" up={CORES} course={cpu} />}
      <OverTime label="Memory over time" up={MEMORY} course={memory} />
    </Suspense>
  );
}

interface OverTimeProps {
  label: string;
  up: { name: string; shown?: (value: number) => string };
  course: Course;
}

function OverTime({ label, up, course }: OverTimeProps) {
  const across = useMemo(() => ({ name: "seconds after its start", values: course.seconds }), [course]);
  return (
    <>
      <Title order={2} size="h4" mt="xs">
        {label}
      </Title>
      <Chart label={label} across={across} up={up} lines={course.lines} />
    </>
  );
}
