import { useQuery, useQueryClient } from "@tanstack/react-query";
import { call, callJson } from "./session";

export interface Revision {
  name: string;
  phase: string;
  reason?: string;
  message?: string;
  commit?: string;
  sourceDigest?: string;
  image?: string;
  startTime?: string;
  completionTime?: string;
}

export interface Revisions {
  serving: string | null;
  pinned: string | null;
  revisions: Revision[];
}

const SOON_MS = 3000;
const path = (namespace: string, service: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/services/${encodeURIComponent(service)}`;

export const isOver = (one: Revision): boolean => one.phase !== "Pending" && one.phase !== "Building";

/** With `live` the service's events say when to ask. */
export function useRevisions(namespace: string, service: string, live: boolean) {
  return useQuery({
    queryKey: ["revisions", namespace, service],
    queryFn: () => callJson<Revisions>(`${path(namespace, service)}/builds`),
    refetchInterval: ({ state }) => (!live && state.data && unsettled(state.data) ? SOON_MS : 30_000),
  });
}

/** Whether something is about to change: a build runs, or the service does not serve yet what was chosen. */
export function unsettled(found: Revisions): boolean {
  return found.revisions.some((one) => !isOver(one)) || (found.pinned !== null && found.pinned !== found.serving);
}

export function useRevisionLog(namespace: string, service: string, revision: Revision) {
  return useQuery({
    queryKey: ["revision-log", namespace, service, revision.name],
    retry: false,
    queryFn: async () => (await call(`${path(namespace, service)}/builds/${encodeURIComponent(revision.name)}/log`)).text(),
    refetchInterval: isOver(revision) ? false : SOON_MS,
  });
}

export function useSettings(namespace: string, service: string) {
  return useQuery({
    queryKey: ["settings", namespace, service],
    retry: false,
    queryFn: async () => (await call(`${path(namespace, service)}/settings`)).text(),
  });
}

/** Lets a revision serve; null means the newest that was built, from now on. */
export function useServe(namespace: string, service: string): (revision: string | null) => Promise<void> {
  const queries = useQueryClient();
  return async (revision) => {
    await call(`${path(namespace, service)}/revision`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ revision }),
    });
    await queries.invalidateQueries({ queryKey: ["revisions", namespace, service] });
    await queries.invalidateQueries({ queryKey: ["service", namespace] });
  };
}
