import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ServerEvent } from "./events";
import { useAgain, useStream } from "./live";
import { executionPath, listQuery, platform, type Filters } from "./queries";
import { callJson } from "./session";
import { hasEnded, type Execution, type ExecutionPage } from "./types";

const LIST_MS = 2500;
const ONE_MS = 1500;
/** Also with a stream: behind one address there may be several gateways, of which one knows a little less than another. */
const SLOW_MS = 30_000;
/** Of one that waits: its place in line changes with others, of which its events do not tell. */
const IN_LINE_MS = 5000;

/** A page of the list, which follows what happens: by events, and without them by asking again. */
export function useExecutions(namespace: string, filters: Filters) {
  const queries = useQueryClient();
  // Not more often than a page without events asks
  const again = useAgain(() => void queries.invalidateQueries({ queryKey: ["executions", namespace] }), LIST_MS);
  const live = useStream(`${platform(namespace)}/service-executions/events`, (events) => {
    const changed = executionsOf(events);
    queries.setQueriesData<ExecutionPage>({ queryKey: ["executions", namespace] }, (page) => page && withChanges(page, changed));
    again();
  });
  return useQuery({
    queryKey: ["executions", namespace, filters],
    queryFn: () =>
      callJson<ExecutionPage>(`${platform(namespace)}/service-executions?${listQuery(filters, Date.now())}`),
    placeholderData: keepPreviousData,
    refetchInterval: live ? SLOW_MS : LIST_MS,
  });
}

export function useExecution(namespace: string, id: string) {
  const queries = useQueryClient();
  const queryKey = ["execution", namespace, id];
  const known = queries.getQueryData<Execution>(queryKey);
  const path = known && !hasEnded(known) ? `${executionPath(namespace, id)}/events` : null;
  const live = useStream(path, (events) => {
    if (events.some((one) => one.event === "removed")) return void queries.invalidateQueries({ queryKey });
    const newest = executionsOf(events).at(-1);
    // An answer that is still on its way is older than the event
    if (newest) void queries.cancelQueries({ queryKey }).then(() => queries.setQueryData(queryKey, newest));
  });
  return useQuery({
    queryKey,
    queryFn: () => callJson<Execution>(executionPath(namespace, id)),
    refetchInterval: ({ state }) => intervalOf(state.data, live),
  });
}

export function intervalOf(one: Execution | undefined, live: boolean): number | false {
  if (one && hasEnded(one)) return false;
  if (!live) return ONE_MS;
  return one?.queue ? IN_LINE_MS : SLOW_MS;
}

export function executionsOf(events: ServerEvent[]): Execution[] {
  return events.filter((one) => one.event === "execution").map((one) => JSON.parse(one.data) as Execution);
}

/** The page with what has changed of those on it. Which belong on it is the gateway's to say. */
export function withChanges(page: ExecutionPage, changed: Execution[]): ExecutionPage {
  const newest = new Map(changed.map((one) => [one.id, one]));
  if (!page.content.some((one) => newest.has(one.id))) return page;
  return { ...page, content: page.content.map((one) => newest.get(one.id) ?? one) };
}
