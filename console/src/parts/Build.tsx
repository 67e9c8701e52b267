import { Badge, Button, Group, Text } from "@mantine/core";
import { useRevisionLog, useRevisions, useServe, type Revision, type Revisions } from "../api/revisions";
import type { Service } from "../api/services";
import { shownTime } from "../api/times";
import { Confirm } from "./Confirm";
import { Head } from "./Head";
import { plain } from "./logLines";
import { Empty, Loading, Problem } from "./states";

const MOST_LINES = 5000;

interface BuildProps {
  namespace: string;
  service: Service;
  /** Whether the service's events are followed. */
  live: boolean;
  /** The revision whose log is shown; the newest when none is named. */
  chosen: string | undefined;
  choose: (revision: string) => void;
}

/** What was built, which revision serves, and what the build of one has printed. */
export function Build({ namespace, service, live, chosen, choose }: BuildProps) {
  const found = useRevisions(namespace, service.name, live);
  if (found.isPending) return <Loading what="the builds" />;
  if (found.isError) return <Problem error={found.error} retry={() => void found.refetch()} />;
  const shown = found.data.revisions.find((one) => one.name === chosen) ?? found.data.revisions[0];
  if (!shown) return <Empty>Nothing was built here: the service runs an image, or its first build has not begun.</Empty>;
  return (
    <>
      <Table namespace={namespace} service={service} found={found.data} shown={shown} choose={choose} />
      <Log namespace={namespace} service={service} revision={shown} />
    </>
  );
}

interface TableProps {
  namespace: string;
  service: Service;
  found: Revisions;
  shown: Revision;
  choose: (revision: string) => void;
}

function Table({ namespace, service, found, shown, choose }: TableProps) {
  const serve = useServe(namespace, service.name);
  const mayChange = service.currentUserPermission !== "VIEWER";
  return (
    <>
      {found.pinned !== null && (
        <Group gap="sm" mb="xs">
          <Text size="sm">{found.pinned} serves until another one is chosen, whatever is built.</Text>
          {mayChange && <Confirm ask="Serve the newest …" label="Serve the newest" question="Serve the newest that was built, now and after each build?" yes="Yes, serve it" act={() => serve(null)} />}
        </Group>
      )}
      <table className="executions" aria-label="Revisions">
        <Head columns={["Revision", "Build", { wide: "Source" }, { wide: "Begun" }, "Do"]} />
        <tbody>
          {found.revisions.map((one) => (
            <tr key={one.name}>
              <th scope="row">
                {one.name} {one.name === found.serving && <Badge variant="outline" className="status status-green">serves</Badge>}
              </th>
              <td>{one.phase.toLowerCase()}</td>
              <td className="wide identifier">{one.commit?.slice(0, 12) ?? one.sourceDigest?.replace("sha256:", "").slice(0, 12)}</td>
              <td className="wide">{shownTime(one.startTime)}</td>
              <td>
                <Group gap="xs">
                  <Button size="compact-xs" variant={one === shown ? "outline" : "default"} aria-pressed={one === shown} onClick={() => choose(one.name)} aria-label={`Log of ${one.name}`}>
                    Log
                  </Button>
                  {mayChange && one.phase === "Succeeded" && one.name !== found.serving && (
                    <Confirm ask="Serve …" label={`Serve … ${one.name}`} question={`Let ${one.name} serve?`} yes="Yes, serve it" act={() => serve(one.name)} />
                  )}
                </Group>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Log({ namespace, service, revision }: { namespace: string; service: Service; revision: Revision }) {
  const log = useRevisionLog(namespace, service.name, revision);
  const lines = log.data ? log.data.split("\n").slice(-MOST_LINES) : [];
  return (
    <section aria-label={`Build of ${revision.name}`}>
      <Text className="lead sentence" mt="md">
        {revision.message ?? `Revision ${revision.name}: ${revision.reason ?? revision.phase.toLowerCase()}`}
      </Text>
      <Text size="sm">
        {[revision.startTime && `Begun ${shownTime(revision.startTime)}`, revision.completionTime && `ended ${shownTime(revision.completionTime)}`]
          .filter(Boolean)
          .join(", ")}
      </Text>
      {log.isError && <Problem error={log.error} />}
      {log.data === "" && <Empty>The build has printed nothing yet.</Empty>}
      {log.data && (
        <div className="preview" tabIndex={0} role="group" aria-label="Log of the build">
          <pre>{lines.map((line) => `${plain(line)}\n`)}</pre>
        </div>
      )}
    </section>
  );
}
