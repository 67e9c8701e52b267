import { Anchor, Group, Text, Title } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { counted } from "../api/numbers";
import { failingOf, MOST_LISTED, MOST_SERVICES, useFailed, useRunning, useUsageByService, useWaiting, waitingFor } from "../api/overview";
import { useServices } from "../api/queries";
import { queueSentence } from "../api/queue";
import { shownAge } from "../api/times";
import type { Execution, Overview } from "../api/types";
import { Head } from "../parts/Head";
import { Part } from "../parts/Part";
import { Loading, Problem } from "../parts/states";
import { useNow } from "../parts/useNow";
import { WaitsFor } from "../parts/WaitsFor";

const route = getRouteApi("/n/$namespace/overview");
const DAYS = 7;
const MOST_SHOWN = 10;

/** For the one who looks after a namespace: what waits, what fails most, who uses most. */
export function OverviewPage() {
  const { namespace } = route.useParams();
  const services = useServices(namespace);
  return (
    <>
      <Title order={1} size="h2">
        Overview
      </Title>
      <Now namespace={namespace} />
      <Failing namespace={namespace} />
      {services.isError && <Problem error={services.error} retry={() => void services.refetch()} />}
      {services.data && <Usage namespace={namespace} services={services.data} />}
    </>
  );
}

function Now({ namespace }: { namespace: string }) {
  const waiting = useWaiting(namespace);
  const running = useRunning(namespace);
  const list = `/n/${namespace}/executions`;
  if (waiting.isError) return <Problem error={waiting.error} retry={() => void waiting.refetch()} />;
  if (!waiting.data || !running.data) return <Loading what="what runs" />;
  return (
    <Part title="Now">
      <Group gap="lg">
        <Anchor component={Link} to={`${list}?status=RUNNING`}>
          {counted(running.data.totalElements)} running
        </Anchor>
        <Anchor component={Link} to={`${list}?status=PENDING`}>
          {counted(waiting.data.totalElements)} waiting
        </Anchor>
      </Group>
      <WaitsFor counts={waitingFor(waiting.data.content)} />
      <Longest namespace={namespace} waiting={waiting.data.content} />
    </Part>
  );
}

function Longest({ namespace, waiting }: { namespace: string; waiting: Execution[] }) {
  const now = useNow(1000);
  if (waiting.length === 0) return null;
  return (
    <table className="executions" aria-label="Those that wait longest">
      <Head columns={["Waits longest", { wide: "Service" }, "For"]} />
      <tbody>
        {waiting.slice(0, MOST_SHOWN).map((one) => (
          <tr key={one.id}>
            <td className="what">
              <One namespace={namespace} one={one} />
              <span className="message">{one.message ?? queueSentence(one)}</span>
            </td>
            <td className="wide">{one.serviceName}</td>
            <td>{shownAge(one.createdAt, now)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Failing({ namespace }: { namespace: string }) {
  const failed = useFailed(namespace, DAYS);
  if (failed.isError) return <Problem error={failed.error} retry={() => void failed.refetch()} />;
  if (!failed.data) return <Loading what="what has failed" />;
  const { totalElements, content } = failed.data;
  return (
    <Part title="What fails most">
      <Text size="sm">
        {totalElements === 0
          ? `Nothing has failed of what was created in the last ${DAYS} days.`
          : `${counted(totalElements)} created in the last ${DAYS} days failed${totalElements > MOST_LISTED ? `; counted are the newest ${counted(MOST_LISTED)}` : ""}.`}
      </Text>
      {content.length > 0 && (
        <table className="executions" aria-label="Failures by service and reason">
          <Head columns={["Service and reason", "Failed"]} />
          <tbody>
            {failingOf(content)
              .slice(0, MOST_SHOWN)
              .map((one) => (
                <tr key={one.newest.id}>
                  <td className="what">
                    {[one.service, one.reason].filter(Boolean).join(" · ")}
                    <span className="message">
                      Last <One namespace={namespace} one={one.newest} /> {one.newest.message}
                    </span>
                  </td>
                  <td>{counted(one.count)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      )}
    </Part>
  );
}

function Usage({ namespace, services }: { namespace: string; services: Overview[] }) {
  const month = new Date(useNow(60_000)).toISOString().slice(0, 7);
  const usage = useUsageByService(namespace, services, month);
  if (usage.isError) return <Problem error={usage.error} retry={() => void usage.refetch()} />;
  if (!usage.data) return <Loading what="what the services have used" />;
  return (
    <Part title={`Used in ${month}`}>
      {services.length > MOST_SERVICES && <Text size="sm">Of the first {MOST_SERVICES} services.</Text>}
      {usage.data.length === 0 && <Text size="sm">No execution of a service has ended in this month yet.</Text>}
      {usage.data.length > 0 && (
        <table className="executions" aria-label="Usage by service">
          <Head columns={["Service", "Executions", "Failed", "CPU hours", { wide: "GiB hours" }]} />
          <tbody>
            {usage.data.map((one) => (
              <tr key={one.service}>
                <th scope="row">{one.service}</th>
                <td>{counted(one.executions)}</td>
                <td>{counted(one.failures)}</td>
                <td>{(one.cpuSeconds / 3600).toFixed(3)}</td>
                <td className="wide">{one.gibHours.toFixed(3)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Part>
  );
}

function One({ namespace, one }: { namespace: string; one: Execution }) {
  return (
    <Anchor component={Link} to={`/n/${namespace}/executions/${one.id}`} className="identifier">
      {one.id}
    </Anchor>
  );
}
