import { useQuery } from "@tanstack/react-query";
import { ApiError, call, callJson } from "./session";
import { hasEnded, type Execution, type JsonObject, type OutputFile, type Overview } from "./types";

export const PAGE_SIZE = 100;
const RESULT_MS = 1500;

export interface Filters {
  status?: string;
  service?: string;
  tag?: string;
  text?: string;
  since?: string;
  page?: number;
}

export const platform = (namespace: string): string => `/platform/${encodeURIComponent(namespace)}`;
/** Where the gateway has what is kept of an execution, by its name. */
const keptPath = (namespace: string, one: Execution): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/executions/${encodeURIComponent(one.name ?? one.id)}`;

export const executionPath = (namespace: string, id: string): string =>
  `${platform(namespace)}/service-executions/${encodeURIComponent(id)}`;
export const servicePath = (namespace: string, name: string): string =>
  `/services/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;

const HOURS: Record<string, number> = { "1h": 1, "24h": 24, "7d": 168, "30d": 720 };

export function listQuery(filters: Filters, now: number): string {
  const query = new URLSearchParams({ size: String(PAGE_SIZE), page: String(filters.page ?? 0) });
  if (filters.status) query.set("status", filters.status);
  if (filters.service) query.set("serviceId", filters.service);
  if (filters.text) query.set("text", filters.text);
  for (const tag of (filters.tag ?? "").split(",")) if (tag.trim()) query.append("tags", tag.trim());
  const hours = HOURS[filters.since ?? ""];
  if (hours) query.set("createdAfter", String(now - hours * 3_600_000));
  return query.toString();
}

/** The result as a document; null as long as there is none. */
export function useResult(namespace: string, one: Execution) {
  return useQuery({
    queryKey: ["result", namespace, one.id],
    enabled: hasEnded(one),
    queryFn: async () => {
      const answer = await call(`${executionPath(namespace, one.id)}/results`);
      return answer.status === 204 ? null : ((await answer.json()) as JsonObject);
    },
    refetchInterval: (query) => (query.state.data === null ? RESULT_MS : false),
  });
}

export function useFiles(namespace: string, one: Execution) {
  return useQuery({
    queryKey: ["files", namespace, one.id],
    enabled: hasEnded(one),
    queryFn: async () =>
      (
        await callJson<{ files: OutputFile[] }>(`${keptPath(namespace, one)}/files`)
      ).files,
  });
}

export function useServices(namespace: string) {
  return useQuery({
    queryKey: ["services", namespace],
    queryFn: () => callJson<Overview[]>(`${platform(namespace)}/services`),
    refetchInterval: 10_000,
  });
}

export const cancelExecution = (namespace: string, id: string): Promise<Response> =>
  call(`${executionPath(namespace, id)}/cancel`, { method: "PUT" });

/** Deletes an execution that has ended, with its log and its result. Whether it was gone before is all the same. */
export async function deleteExecution(namespace: string, one: Execution): Promise<void> {
  try {
    await call(keptPath(namespace, one), { method: "DELETE" });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

export function rerunExecution(namespace: string, id: string, changes: JsonObject): Promise<Execution> {
  return callJson<Execution>(`${platform(namespace)}/service-jobs/${encodeURIComponent(id)}/rerun`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": newKey() },
    body: JSON.stringify(changes),
  });
}

/** A key under which a repeated request makes one execution; `randomUUID` is missing on pages without TLS. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
