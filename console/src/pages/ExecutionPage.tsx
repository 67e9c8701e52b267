import { Button, Group, Tabs, Text, Title } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useExecution } from "../api/executions";
import { cancelExecution, deleteExecution } from "../api/queries";
import { queueSentence } from "../api/queue";
import { readTime, shownSeconds, shownTime } from "../api/times";
import { hasEnded, type Execution } from "../api/types";
import { Confirm } from "../parts/Confirm";
import { Files } from "../parts/Files";
import { LogView } from "../parts/LogView";
import { Input } from "../parts/Input";
import { Receipt } from "../parts/Receipt";
import { Result } from "../parts/Result";
import { Rerun } from "../parts/Rerun";
import { Loading, Problem, StatusBadge } from "../parts/states";
import { useNow } from "../parts/useNow";

const route = getRouteApi("/n/$namespace/executions/$id");
const LOSS = "Delete it? Its log, result, files, input and receipt can then not be read any more.";
const TABS = ["result", "files", "log", "input", "receipt"];

export function ExecutionPage() {
  const { namespace, id } = route.useParams();
  const found = useExecution(namespace, id);
  if (found.isPending) return <Loading what="the execution" />;
  if (!found.data) return <Problem error={found.error} retry={() => void found.refetch()} />;
  return <One namespace={namespace} one={found.data} />;
}

function One({ namespace, one }: { namespace: string; one: Execution }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const ended = hasEnded(one);
  const asked = search.tab && TABS.includes(search.tab) ? search.tab : null;
  const tab = asked ?? (ended ? "result" : "log");
  return (
    <>
      <Group gap="sm" align="center">
        <StatusBadge status={one.status} />
        <Text className="identifier">{one.id}</Text>
      </Group>
      <Title order={1} className="lead sentence" my="xs">
        {sentence(one)}
      </Title>
      <Text size="sm">
        {[one.serviceName && `Service ${one.serviceName}`, one.reason, one.tags.length > 0 && `Tags ${one.tags.join(", ")}`]
          .filter(Boolean)
          .join(" · ")}
      </Text>
      {queueSentence(one) && <Text>{queueSentence(one)}</Text>}
      <Phases one={one} />
      <Actions namespace={namespace} one={one} />
      <Tabs
        value={tab}
        onChange={(value) => void navigate({ search: { tab: value ?? undefined }, replace: true })}
        keepMounted={false}
        mt="md"
      >
        <Tabs.List>
          <Tabs.Tab value="result">Result</Tabs.Tab>
          <Tabs.Tab value="files">Files</Tabs.Tab>
          <Tabs.Tab value="log">Log</Tabs.Tab>
          <Tabs.Tab value="input">Input</Tabs.Tab>
          <Tabs.Tab value="receipt">Receipt and usage</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="result" pt="sm">
          <Result namespace={namespace} one={one} />
        </Tabs.Panel>
        <Tabs.Panel value="files" pt="sm">
          <Files
            namespace={namespace}
            one={one}
            shown={search.file}
            show={(file) => void navigate({ search: { tab: "files", file } })}
          />
        </Tabs.Panel>
        <Tabs.Panel value="log" pt="sm">
          <LogView namespace={namespace} one={one} />
        </Tabs.Panel>
        <Tabs.Panel value="input" pt="sm">
          <Input namespace={namespace} one={one} />
        </Tabs.Panel>
        <Tabs.Panel value="receipt" pt="sm">
          <Receipt namespace={namespace} one={one} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function sentence(one: Execution): string {
  if (one.message) return one.message;
  switch (one.status) {
    case "PENDING":
      return "It waits to be started.";
    case "RUNNING":
      return "It runs.";
    case "SUCCEEDED":
      return "It has succeeded.";
    case "CANCELLED":
      return "It was cancelled.";
    default:
      return "It has failed.";
  }
}

/** How long it waited and ran, each phase as wide as it was long. */
function Phases({ one }: { one: Execution }) {
  const now = useNow(1000);
  const created = readTime(one.createdAt)?.getTime() ?? now;
  const end = readTime(one.endedAt)?.getTime() ?? now;
  const started = readTime(one.startedAt)?.getTime();
  const waited = ((started ?? end) - created) / 1000;
  const ran = started === undefined ? null : (end - started) / 1000;
  return (
    <ol className="timeline" aria-label="Phases">
      <li style={{ flexGrow: Math.max(1, waited) }} title={`Created ${shownTime(one.createdAt)}`}>
        Waited {shownSeconds(waited)}
      </li>
      {ran !== null && (
        <li style={{ flexGrow: Math.max(1, ran) }} title={`Started ${shownTime(one.startedAt)}`}>
          {one.endedAt ? "Ran" : "Has run for"} {shownSeconds(ran)}
          {(one.attempts ?? 1) > 1 && `, ${one.attempts} attempts`}
        </li>
      )}
      <li>
        {one.endedAt ? `Ended ${shownTime(one.endedAt)}` : started === undefined ? "Not started yet" : "Not ended yet"}
      </li>
    </ol>
  );
}

function Actions({ namespace, one }: { namespace: string; one: Execution }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const clipboard = useClipboard({ timeout: 2000 });
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [changing, setChanging] = useState(false);
  const cancel = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await cancelExecution(namespace, one.id);
      await queries.invalidateQueries({ queryKey: ["execution", namespace, one.id] });
    } catch (error) {
      setFailure(error);
    }
    setBusy(false);
  };
  const remove = async () => {
    await deleteExecution(namespace, one);
    await navigate({ to: "/n/$namespace/executions", params: { namespace } });
  };
  return (
    <>
      <Group gap="xs" mt="xs">
        {!hasEnded(one) && (
          <Button size="xs" color="red" variant="outline" className="danger" loading={busy} onClick={() => void cancel()}>
            Cancel
          </Button>
        )}
        <Button size="xs" variant="default" onClick={() => setChanging(!changing)} aria-expanded={changing}>
          Run again …
        </Button>
        <Button size="xs" variant="default" onClick={() => clipboard.copy(location.href)}>
          {clipboard.copied ? "Link copied" : "Copy link"}
        </Button>
        {hasEnded(one) && <Confirm ask="Delete …" label="Delete this execution" question={LOSS} act={remove} />}
      </Group>
      {clipboard.error && <Text size="sm">The link is the address of this page.</Text>}
      {failure !== null && <Problem error={failure} />}
      {changing && <Rerun namespace={namespace} one={one} />}
    </>
  );
}
