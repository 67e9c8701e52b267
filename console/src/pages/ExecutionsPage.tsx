import { Anchor, Button, Checkbox, Group, Select, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useExecutions } from "../api/executions";
import { cancelExecution, deleteExecution, PAGE_SIZE, useServices, type Filters } from "../api/queries";
import { readTime, shownAge, shownSeconds, shownTime } from "../api/times";
import { hasEnded, STATUSES, type Execution } from "../api/types";
import { Confirm } from "../parts/Confirm";
import { Head } from "../parts/Head";
import { Empty, Loading, Problem, StatusBadge } from "../parts/states";
import { useNow } from "../parts/useNow";

const route = getRouteApi("/n/$namespace/executions");

export function ExecutionsPage() {
  const { namespace } = route.useParams();
  const filters = route.useSearch();
  const list = useExecutions(namespace, filters);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const filtered = Object.values(filters).some(Boolean);
  return (
    <>
      <Title order={1} size="h2">
        Executions
      </Title>
      <FilterBar namespace={namespace} filters={filters} />
      {list.isError && <Problem error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading what="executions" />}
      {list.data && list.data.content.length === 0 && (
        <Empty>
          {filtered ? "No execution fits these filters." : "Nothing has run in this namespace yet. Run a service, and it shows here."}
        </Empty>
      )}
      {list.data && list.data.content.length > 0 && (
        <>
          <Bulk namespace={namespace} listed={list.data.content} chosen={chosen} setChosen={setChosen} />
          <Table namespace={namespace} listed={list.data.content} chosen={chosen} setChosen={setChosen} />
          <Pages page={filters.page ?? 0} total={list.data.totalElements} />
        </>
      )}
    </>
  );
}

function FilterBar({ namespace, filters }: { namespace: string; filters: Filters }) {
  const navigate = route.useNavigate();
  const services = useServices(namespace);
  const set = (changes: Filters) =>
    void navigate({ search: (before) => ({ ...before, page: undefined, ...changes }), replace: true });
  const later = useDebouncedCallback(set, 300);
  return (
    <Group component="search" gap="xs" my="sm" align="end">
      <TextInput
        label="Text"
        placeholder="id, message, tag …"
        defaultValue={filters.text ?? ""}
        onChange={(event) => later({ text: event.currentTarget.value || undefined })}
      />
      <Select
        label="Status"
        placeholder="any"
        clearable
        clearButtonProps={{ "aria-label": "Any status" }}
        data={STATUSES.map((one) => ({ value: one, label: one.toLowerCase() }))}
        value={filters.status ?? null}
        onChange={(value) => set({ status: value ?? undefined })}
      />
      {services.data && (
        <Select
          label="Service"
          placeholder="any"
          clearable
          searchable
          clearButtonProps={{ "aria-label": "Any service" }}
          data={services.data.map((one) => ({ value: one.id, label: one.name }))}
          value={filters.service ?? null}
          onChange={(value) => set({ service: value ?? undefined })}
        />
      )}
      <Select
        label="Created"
        placeholder="any time"
        clearable
        clearButtonProps={{ "aria-label": "Any time" }}
        data={[
          { value: "1h", label: "in the last hour" },
          { value: "24h", label: "in the last day" },
          { value: "7d", label: "in the last week" },
          { value: "30d", label: "in the last 30 days" },
        ]}
        value={filters.since ?? null}
        onChange={(value) => set({ since: value ?? undefined })}
      />
      <TextInput
        label="Tag"
        placeholder="any of, with commas"
        defaultValue={filters.tag ?? ""}
        onChange={(event) => later({ tag: event.currentTarget.value || undefined })}
      />
    </Group>
  );
}

interface Chosen {
  namespace: string;
  listed: Execution[];
  chosen: ReadonlySet<string>;
  setChosen: (ids: ReadonlySet<string>) => void;
}

function Bulk({ namespace, listed, chosen, setChosen }: Chosen) {
  const queries = useQueryClient();
  const of = listed.filter((one) => chosen.has(one.id));
  const running = of.filter((one) => !hasEnded(one));
  const ended = of.filter(hasEnded);
  /** One after another; those behind a refusal stay chosen. */
  const each = async (those: Execution[], act: (one: Execution) => Promise<unknown>) => {
    const left = new Set(chosen);
    try {
      for (const one of those) {
        await act(one);
        left.delete(one.id);
      }
    } finally {
      setChosen(left);
      await queries.invalidateQueries({ queryKey: ["executions", namespace] });
    }
  };
  if (chosen.size === 0) return null;
  return (
    <Group mb="xs">
      <Text size="sm">{chosen.size} chosen</Text>
      <Confirm
        ask={`Cancel ${running.length} …`}
        label={`Cancel ${running.length} that have not ended`}
        question={`Cancel ${running.length} that have not ended? They stop, and what they have written so far is kept.`}
        yes="Yes, cancel"
        disabled={running.length === 0}
        act={() => each(running, (one) => cancelExecution(namespace, one.id))}
      />
      <Confirm
        ask={`Delete ${ended.length} …`}
        label={`Delete ${ended.length} that have ended`}
        question={`Delete ${ended.length} that have ended? Their logs, results, files, inputs and receipts can then not be read any more.`}
        disabled={ended.length === 0}
        act={() => each(ended, (one) => deleteExecution(namespace, one))}
      />
    </Group>
  );
}

function Table({ namespace, listed, chosen, setChosen }: Chosen) {
  const now = useNow(1000);
  const toggle = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  return (
    <table className="executions">
      <Head
        columns={[
          {
            content: (
              <Checkbox
                aria-label="Choose all of this page"
                checked={listed.every((one) => chosen.has(one.id))}
                onChange={(event) => setChosen(new Set(event.currentTarget.checked ? listed.map((one) => one.id) : []))}
              />
            ),
          },
          "Status",
          "Execution",
          { wide: "Service" },
          "Created",
          { wide: "Ran for" },
        ]}
      />
      <tbody>
        {listed.map((one) => (
          <tr key={one.id}>
            <td>
              <Checkbox
                aria-label={`Choose ${one.id}`}
                checked={chosen.has(one.id)}
                onChange={(event) => toggle(one.id, event.currentTarget.checked)}
              />
            </td>
            <td>
              <StatusBadge status={one.status} />
            </td>
            <td className="what">
              <Anchor
                component={Link}
                to={`/n/${namespace}/executions/${one.id}`}
                className="identifier"
              >
                {one.id}
              </Anchor>
              {one.message && <span className="message">{one.message}</span>}
              {one.tags.length > 0 && <span className="tags">{one.tags.join(" · ")}</span>}
            </td>
            <td className="wide">{one.serviceName}</td>
            <td title={shownTime(one.createdAt)}>{shownAge(one.createdAt, now)} ago</td>
            <td className="wide">{ranFor(one, now)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ranFor(one: Execution, now: number): string {
  const start = readTime(one.startedAt);
  if (!start) return "";
  return shownSeconds(((readTime(one.endedAt)?.getTime() ?? now) - start.getTime()) / 1000);
}

function Pages({ page, total }: { page: number; total: number }) {
  const navigate = route.useNavigate();
  const pages = Math.max(1, Math.ceil(total / PAGE_SIZE));
  const show = (next: number) => void navigate({ search: (before) => ({ ...before, page: next || undefined }) });
  return (
    <Group component="nav" aria-label="Pages of the list" mt="sm" justify="space-between">
      <Text size="sm">
        {total.toLocaleString()} {total === 1 ? "execution" : "executions"}, page {page + 1} of {pages}
      </Text>
      <Group gap="xs">
        <Button size="xs" variant="default" disabled={page === 0} onClick={() => show(page - 1)}>
          Newer
        </Button>
        <Button size="xs" variant="default" disabled={page + 1 >= pages} onClick={() => show(page + 1)}>
          Older
        </Button>
      </Group>
    </Group>
  );
}
