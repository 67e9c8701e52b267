import { useQuery } from "@tanstack/react-query";
import { platform, servicePath } from "./queries";
import { callJson } from "./session";
import type { Execution, ExecutionPage, Overview } from "./types";
import type { Month } from "./usage";

/** What the gateway lists at once. */
export const MOST_LISTED = 1000;
/** Each is a request of its own. */
export const MOST_SERVICES = 100;
const AT_ONCE = 4;
const DAY_MS = 86_400_000;

/** What an execution waits for, as the rest of a sentence. */
export const WAITS_FOR: Record<string, string> = {
  concurrency: "for the limit of their service",
  queue: "for the cluster's queue",
  quota: "for the namespace's quota",
  start: "for a pod to start",
};

export interface Failing {
  service: string;
  reason: string;
  count: number;
  /** The newest of them. */
  newest: Execution;
}

export interface ServiceMonth extends Month {
  service: string;
}

const list = (namespace: string, query: Record<string, string>): Promise<ExecutionPage> =>
  callJson<ExecutionPage>(`${platform(namespace)}/service-executions?${new URLSearchParams(query)}`);

export function useWaiting(namespace: string) {
  return useQuery({
    queryKey: ["waiting", namespace],
    queryFn: () => list(namespace, { status: "PENDING", sort: "createdAt,asc", size: String(MOST_LISTED) }),
    refetchInterval: 10_000,
  });
}

export function useRunning(namespace: string) {
  return useQuery({
    queryKey: ["running", namespace],
    queryFn: () => list(namespace, { status: "RUNNING", size: "1" }),
    refetchInterval: 10_000,
  });
}

export function useFailed(namespace: string, days: number) {
  return useQuery({
    queryKey: ["failed", namespace, days],
    queryFn: () =>
      list(namespace, { status: "FAILED", createdAfter: String(Date.now() - days * DAY_MS), size: String(MOST_LISTED) }),
    refetchInterval: 60_000,
  });
}

/** What each service has used in a month, for as many services as a page asks about. */
export function useUsageByService(namespace: string, services: Overview[], month: string) {
  const names = services.slice(0, MOST_SERVICES).map((one) => one.name);
  return useQuery({
    queryKey: ["usage-by-service", namespace, names, month],
    staleTime: 60_000,
    queryFn: async () => {
      const found: ServiceMonth[] = [];
      for (let at = 0; at < names.length; at += AT_ONCE)
        found.push(...(await Promise.all(names.slice(at, at + AT_ONCE).map((name) => ofService(namespace, name, month)))).flat());
      return found.filter((one) => one.executions > 0).sort((a, b) => b.cpuSeconds - a.cpuSeconds);
    },
  });
}

async function ofService(namespace: string, service: string, month: string): Promise<ServiceMonth[]> {
  const answer = await callJson<{ months: Month[] }>(`${servicePath(namespace, service)}/usage?month=${month}`);
  return answer.months.map((one) => ({ ...one, service }));
}

/** Failures by service and reason, the most frequent first; they come newest first. */
export function failingOf(failed: Execution[]): Failing[] {
  const found = new Map<string, Failing>();
  for (const one of failed) {
    const [service, reason] = [one.serviceName ?? "", one.reason ?? ""];
    const key = JSON.stringify([service, reason]);
    const known = found.get(key);
    if (known) known.count += 1;
    else found.set(key, { service, reason, count: 1, newest: one });
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}

/** How many wait for what, the most first; `start` are those that wait for no others. */
export function waitingFor(waiting: Execution[]): [what: string, count: number][] {
  const counts = new Map<string, number>();
  for (const one of waiting) {
    const what = one.queue?.waitsFor ?? "start";
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}
