import { useQuery } from "@tanstack/react-query";
import { executionPath, servicePath } from "./queries";
import { callJson } from "./session";
import { hasEnded, type Execution } from "./types";

/** Times are texts of milliseconds, as the platform has them. */
interface Point {
  timestamp: string;
  value: number;
}

export interface Metrics {
  startTime?: string;
  cpuUsage: Point[];
  cpuLimit: Point[];
  memoryUsage: Point[];
  memoryLimit: Point[];
}

export interface Month {
  month: string;
  executions: number;
  failures: number;
  cancelled: number;
  cpuSeconds: number;
  gibHours: number;
  partial?: boolean;
}

/** Two courses over the same times: what was used, and the limit when there is one. */
export interface Course {
  seconds: number[];
  lines: { name: string; values: (number | null)[] }[];
}

export function useMetrics(namespace: string, one: Execution) {
  return useQuery({
    queryKey: ["metrics", namespace, one.id],
    enabled: hasEnded(one),
    queryFn: () => callJson<Metrics>(`${executionPath(namespace, one.id)}/metrics`),
  });
}

export function useMonths(namespace: string, service: string) {
  return useQuery({
    queryKey: ["usage", namespace, service],
    queryFn: async () => (await callJson<{ months: Month[] }>(`${servicePath(namespace, service)}/usage`)).months,
    refetchInterval: 60_000,
  });
}

export function courseOf(used: Point[], limit: Point[], startTime?: string): Course {
  const times = [...new Set([...used, ...limit].map((one) => Number(one.timestamp)))].sort((a, b) => a - b);
  const start = startTime === undefined ? (times[0] ?? 0) : Number(startTime);
  const column = (points: Point[]) => {
    const known = new Map(points.map((one) => [Number(one.timestamp), one.value]));
    return times.map((time) => known.get(time) ?? null);
  };
  const lines = [{ name: "used", values: column(used) }];
  if (limit.length > 0) lines.push({ name: "limit", values: column(limit) });
  return { seconds: times.map((time) => Math.max(0, (time - start) / 1000)), lines };
}
