import { Alert, Anchor, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { troubles, useCluster, type Cluster } from "../api/cluster";
import { counted } from "../api/numbers";
import { shownAge } from "../api/times";
import { Facts } from "../parts/Facts";
import { Head } from "../parts/Head";
import { Part } from "../parts/Part";
import { Loading, Problem } from "../parts/states";
import { useNow } from "../parts/useNow";
import { WaitsFor } from "../parts/WaitsFor";

/** For the one who runs the cluster: what is wrong, what waits where, what fails most, how builds go. */
export function ClusterPage() {
  const found = useCluster();
  return (
    <>
      <Title order={1} size="h2">
        Cluster
      </Title>
      {found.isPending && <Loading what="the cluster" />}
      {found.isError && <Problem error={found.error} retry={() => void found.refetch()} />}
      {found.data && (
        <>
          <Troubles found={found.data} />
          <Now found={found.data} />
          <Failing found={found.data} />
          <Builds found={found.data} />
          <Processes found={found.data} />
          <Budgets found={found.data} />
        </>
      )}
    </>
  );
}

function Troubles({ found }: { found: Cluster }) {
  const said = troubles(found);
  if (said.length === 0) return <Text my="xs">Controllers, gateways and the store answer, and nothing waits for a gateway.</Text>;
  return (
    <Alert color="red" variant="outline" my="sm" title="Look at this first">
      {said.map((one) => (
        <Text key={one} className="sentence">
          {one}
        </Text>
      ))}
    </Alert>
  );
}

function Now({ found }: { found: Cluster }) {
  const { executions } = found;
  const now = useNow(1000);
  return (
    <Part title="Now">
      <Text>
        {counted(executions.running)} running, {counted(executions.waiting)} waiting, {counted(executions.kept)} kept in all
      </Text>
      <WaitsFor counts={Object.entries(executions.waitsFor)} />
      {executions.namespaces.length > 0 && (
        <table className="executions" aria-label="Namespaces">
          <Head columns={["Namespace", "Running", "Waiting", "Longest"]} />
          <tbody>
            {executions.namespaces.map((one) => (
              <tr key={one.namespace}>
                <th scope="row">
                  <Anchor component={Link} to={`/n/${one.namespace}/overview`} className="path">
                    {one.namespace}
                  </Anchor>
                </th>
                <td>{counted(one.running)}</td>
                <td>{counted(one.waiting)}</td>
                <td>{shownAge(one.waitsSince, now)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Part>
  );
}

function Failing({ found }: { found: Cluster }) {
  const { failing } = found.executions;
  const now = useNow(10_000);
  return (
    <Part title="What fails most">
      {failing.length === 0 && <Text size="sm">Of those that are kept, none has failed in the last 7 days.</Text>}
      {failing.length > 0 && (
        <table className="executions" aria-label="Failures by service and reason">
          <Head columns={["Service and reason, in the last 7 days", "Failed", "Last"]} />
          <tbody>
            {failing.map((one) => (
              <tr key={`${one.namespace}/${one.service}/${one.reason}`}>
                <td className="what">
                  <span className="path">
                    {one.namespace}/{one.service}
                  </span>
                  <span className="message">{one.reason}</span>
                </td>
                <td>{counted(one.count)}</td>
                <td>
                  <Anchor component={Link} to={`/n/${one.namespace}/executions/${one.newest}`} aria-label={`${shownAge(one.newestAt, now)} ago: the last of ${one.namespace}/${one.service}, ${one.reason}`}>
                    {shownAge(one.newestAt, now)} ago
                  </Anchor>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Part>
  );
}

function Builds({ found }: { found: Cluster }) {
  const { builds, services } = found;
  const now = useNow(10_000);
  return (
    <Part title="Services and builds">
      <Text>
        {counted(services.total)} {services.total === 1 ? "service" : "services"}, {counted(services.notReady)} not ready; {counted(builds.running)}{" "}
        {builds.running === 1 ? "build" : "builds"} running, {counted(builds.waiting)} waiting; of {counted(builds.failed)} the newest failed
      </Text>
      {builds.newest.length > 0 && (
        <table className="executions" aria-label="Builds that run or have failed">
          <Head columns={["Service", "Build", { wide: "Since" }]} />
          <tbody>
            {builds.newest.map((one) => (
              <tr key={`${one.serviceId}/${one.revision}`}>
                <td className="what">
                  <Anchor component={Link} to={`/n/${one.namespace}/services/${one.serviceId}?tab=build`} className="path">
                    {one.namespace}/{one.service}
                  </Anchor>
                </td>
                <td>
                  {one.revision} {one.phase.toLowerCase()}
                  {one.reason && ` (${one.reason})`}
                </td>
                <td className="wide">{one.time && `${shownAge(one.time, now)} ago`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Part>
  );
}

function Processes({ found }: { found: Cluster }) {
  const { parts, leader } = found.processes;
  const now = useNow(1000);
  const facts: [string, string | undefined][] = [
    ...(parts ?? []).map((one): [string, string] => [
      `${one.name}s`,
      `${one.ready} of ${one.wanted} ready${one.version ? `, version ${one.version}` : ""}`,
    ]),
    ["Controller that leads", leader?.name && `${leader.name}${leader.renewedAt ? `, seen ${shownAge(leader.renewedAt, now)} ago` : ""}`],
    ["Store", found.store.problem ?? "answers"],
    ["Gateway that answered", found.gateway.name],
  ];
  return (
    <Part title="Processes">
      <Facts label="Processes" facts={facts} />
    </Part>
  );
}

function Budgets({ found }: { found: Cluster }) {
  const { budgets, kubernetes } = found.gateway;
  return (
    <Part title="Budgets of this gateway">
      <table className="executions" aria-label="Budgets">
        <Head columns={["Budget", "Taken", "Of", "Waiting"]} />
        <tbody>
          {budgets.map((one) => (
            <tr key={one.name}>
              <th scope="row">{one.name}</th>
              <td>{counted(one.held)}</td>
              <td>{counted(one.most)}</td>
              <td>{counted(one.waiting)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Text size="sm" mt="xs">
        Since it started it has waited {counted(kubernetes.throttledSeconds)} s for its own limit of requests to Kubernetes, and refused {counted(kubernetes.refused)}{" "}
        of them.
      </Text>
    </Part>
  );
}
