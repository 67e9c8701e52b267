import { useQuery } from "@tanstack/react-query";
import { callJson } from "./session";
import { shownSeconds } from "./times";

export interface FailingReason {
  namespace: string;
  service: string;
  reason: string;
  count: number;
  newest: string;
  newestAt: string;
}

export interface BuildSummary {
  namespace: string;
  service: string;
  serviceId: string;
  revision: string;
  phase: string;
  reason?: string;
  time?: string;
}

export interface Budget {
  name: string;
  held: number;
  most: number;
  waiting: number;
}

export interface Cluster {
  time: string;
  executions: {
    kept: number;
    running: number;
    waiting: number;
    waitsFor: Record<string, number>;
    namespaces: { namespace: string; running: number; waiting: number; waitsSince?: string }[];
    failing: FailingReason[];
  };
  services: { total: number; notReady: number };
  builds: { waiting: number; running: number; failed: number; newest: BuildSummary[] };
  processes: {
    problem?: string;
    leader?: { name?: string; renewedAt?: string };
    parts?: { name: string; ready: number; wanted: number; version?: string }[];
  };
  store: { answers: boolean; problem?: string };
  gateway: { name: string; budgets: Budget[]; kubernetes: { refused: number; throttledSeconds: number } };
}

/** A leader renews every few seconds; after so long another one may have taken its place. */
const LEASE_SECONDS = 60;

export function useCluster() {
  return useQuery({
    queryKey: ["cluster"],
    queryFn: () => callJson<Cluster>("/api/v1/cluster"),
    refetchInterval: 5000,
  });
}

/** What an operator should look at first, as sentences; none when nothing is wrong. */
export function troubles(found: Cluster): string[] {
  const said: string[] = [];
  for (const part of found.processes.parts ?? [])
    if (part.ready < part.wanted) said.push(`Of ${part.wanted} ${part.name}s, ${part.ready === 0 ? "none is" : `${part.ready} ${part.ready === 1 ? "is" : "are"}`} ready.`);
  const { leader, problem } = found.processes;
  if (problem) said.push(problem);
  if (leader?.renewedAt) {
    const silent = (Date.parse(found.time) - Date.parse(leader.renewedAt)) / 1000;
    if (silent > LEASE_SECONDS) said.push(`The controller that leads has been silent for ${shownSeconds(silent)}.`);
  }
  if (found.store.problem) said.push(found.store.problem);
  for (const budget of found.gateway.budgets)
    if (budget.waiting > 0) said.push(`${budget.waiting.toLocaleString()} wait for one of ${budget.most} ${budget.name}.`);
  return said;
}
