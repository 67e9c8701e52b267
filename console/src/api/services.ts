import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useAgain, useStream } from "./live";
import { newKey, platform, servicePath } from "./queries";
import { callJson } from "./session";
import type { Execution, JsonObject } from "./types";

interface Definition {
  version?: string;
  description?: string;
  gatewayEndpoint?: string;
  lifecycle?: string;
  source?: { type: string; image?: string; fullPath?: string } | null;
  runtimeConfiguration?: { runtime: string } | null;
  configurations?: { type: string; amount: number; unit?: string }[];
}

export interface Service {
  id: string;
  name: string;
  displayName: string;
  currentUserPermission?: string;
  serviceDefinitions: Definition[];
}

/** What a form is made from: the service's own schema, and the secrets that it names. */
export interface InputSchema {
  schema: JsonObject | null;
  secrets: string[];
}

const one = (namespace: string, id: string): string => `${platform(namespace)}/services/${encodeURIComponent(id)}`;

/** Also with a stream: behind one address there may be several gateways, of which one knows a little less than another. */
export const SLOW_MS = 30_000;
const ONE_MS = 10_000;
/** A build may say its steps fast: its page asks no more often. */
const PAUSE_MS = 1500;

/** A service, and whether its events are followed: then its builds need not be asked for again and again. */
export function useService(namespace: string, id: string) {
  const queries = useQueryClient();
  const queryKey = ["service", namespace, id];
  const again = useAgain(() => {
    void queries.invalidateQueries({ queryKey });
    void queries.invalidateQueries({ queryKey: ["revisions", namespace] });
    void queries.invalidateQueries({ queryKey: ["settings", namespace] });
  }, PAUSE_MS);
  const known = queries.getQueryData<Service>(queryKey);
  const live = useStream(known ? `${one(namespace, id)}/events` : null, again);
  const found = useQuery({
    queryKey,
    queryFn: () => callJson<Service>(one(namespace, id)),
    refetchInterval: live ? SLOW_MS : ONE_MS,
  });
  return { found, live };
}

export function useInputSchema(namespace: string, id: string) {
  return useQuery({
    queryKey: ["schema", namespace, id],
    queryFn: async () => inputSchema(JSON.parse(await callJson<string>(`${one(namespace, id)}/openapi`)) as JsonObject),
    staleTime: 60_000,
  });
}

export function submit(namespace: string, name: string, input: JsonObject): Promise<Execution> {
  return callJson<Execution>(servicePath(namespace, name), {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": newKey() },
    body: JSON.stringify(input),
  });
}

/** Takes the service's own part out of its OpenAPI text. References in it lead through `components`, which come along. */
export function inputSchema(document: JsonObject): InputSchema {
  const components = document.components as JsonObject | undefined;
  const whole = (components?.schemas as JsonObject | undefined)?.Input as JsonObject | undefined;
  if (!components || !whole) return { schema: null, secrets: [] };
  const properties = { ...(whole.properties as JsonObject | undefined) };
  const named = (properties.$secrets as JsonObject | undefined)?.properties as JsonObject | undefined;
  delete properties.$secrets;
  delete properties.$tags;
  const parts = Array.isArray(whole.allOf) ? (whole.allOf as JsonObject[]) : [];
  const own = parts.length === 1 && Object.keys(properties).length === 0 ? parts[0] : { ...whole, properties };
  const fields = Object.keys((own?.properties as JsonObject | undefined) ?? {});
  const empty = !own || (parts.length === 0 && fields.length === 0);
  return { schema: empty ? null : { ...own, components }, secrets: Object.keys(named ?? {}) };
}
