import { Text } from "@mantine/core";
import { useBuild, useBuildLog, type Service } from "../api/services";
import { shownTime } from "../api/times";
import { plain } from "./logLines";
import { Empty, Loading, Problem } from "./states";

const MOST_LINES = 5000;

/** How the newest build went, and what it printed. */
export function Build({ namespace, service }: { namespace: string; service: Service }) {
  const build = useBuild(namespace, service.id);
  const log = useBuildLog(namespace, service.id, build.isSuccess);
  if (build.isPending) return <Loading what="the build" />;
  if (build.isError) return <Problem error={build.error} />;
  const found = build.data;
  return (
    <>
      <Text className="lead sentence">
        {found.validationResult?.summary ?? (found.status === "WORKING" ? "It is being built." : found.status)}
      </Text>
      {found.validationResult?.messages?.map((one) => (
        <Text key={one} className="sentence">
          {one}
        </Text>
      ))}
      <Text size="sm">
        {[found.createdAt && `Begun ${shownTime(found.createdAt)}`, found.finishedAt && `ended ${shownTime(found.finishedAt)}`]
          .filter(Boolean)
          .join(", ")}
      </Text>
      {log.isError && <Problem error={log.error} />}
      {log.data?.length === 0 && <Empty>The build has printed nothing yet.</Empty>}
      {log.data && log.data.length > 0 && (
        <div className="preview" tabIndex={0} role="group" aria-label="Log of the build">
          <pre>{log.data.slice(-MOST_LINES).map((line) => `${plain(line.message)}\n`)}</pre>
        </div>
      )}
    </>
  );
}
