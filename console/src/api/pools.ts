import { useQuery, type QueryClient } from "@tanstack/react-query";
import { newKey, platform } from "./queries";
import { call, callJson } from "./session";

export interface Pool {
  id: string;
  name: string;
  shortDescription: string | null;
  description: string | null;
  tags: string[];
  createdAt?: string;
  currentUserPermission: "VIEWER" | "MAINTAINER" | "OWNER";
}

export interface PoolFile {
  id: string;
  name: string;
  contentType: string;
  contentLength: number;
  createdAt?: string;
  /** Null for a file on a volume, whose content nobody has read. */
  sha256: string | null;
  /** Another one for another content, as far as the storage tells. */
  version: string;
}

const pools = (namespace: string): string => `${platform(namespace)}/datapools`;
const poolPath = (namespace: string, id: string): string => `${pools(namespace)}/${encodeURIComponent(id)}`;
export const filesPath = (namespace: string, id: string): string => `${poolPath(namespace, id)}/files`;
export const filePath = (namespace: string, id: string, file: string): string =>
  `${filesPath(namespace, id)}/${encodeURIComponent(file)}`;

export function usePools(namespace: string) {
  return useQuery({
    queryKey: ["pools", namespace],
    queryFn: () => callJson<Pool[]>(pools(namespace)),
    refetchInterval: 10_000,
  });
}

export function usePool(namespace: string, id: string) {
  return useQuery({ queryKey: ["pool", namespace, id], queryFn: () => callJson<Pool>(poolPath(namespace, id)) });
}

const filesKey = (namespace: string, id: string) => ["pool-files", namespace, id];

export function usePoolFiles(namespace: string, id: string) {
  return useQuery({
    queryKey: filesKey(namespace, id),
    queryFn: () => callJson<PoolFile[]>(filesPath(namespace, id)),
  });
}

export function createPool(namespace: string, name: string, shortDescription: string, tags: string[]): Promise<Pool> {
  return callJson<Pool>(pools(namespace), {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": newKey() },
    body: JSON.stringify({ name, tags, ...(shortDescription && { shortDescription }) }),
  });
}

export const deletePool = (namespace: string, id: string): Promise<Response> =>
  call(poolPath(namespace, id), { method: "DELETE" });

export const deleteFile = (namespace: string, id: string, file: string): Promise<Response> =>
  call(filePath(namespace, id, file), { method: "DELETE" });

export function knownFiles(queries: QueryClient, namespace: string, id: string): PoolFile[] {
  return queries.getQueryData<PoolFile[]>(filesKey(namespace, id)) ?? [];
}

/** A list of thousands of files is not asked for again for one of them. */
export function noteFile(queries: QueryClient, namespace: string, id: string, file: PoolFile): void {
  queries.setQueryData<PoolFile[]>(filesKey(namespace, id), (before) => before && withFile(before, file));
}

export function forgetFile(queries: QueryClient, namespace: string, id: string, file: string): void {
  queries.setQueryData<PoolFile[]>(filesKey(namespace, id), (before) => before?.filter((one) => one.id !== file));
}

export function withFile(files: PoolFile[], file: PoolFile): PoolFile[] {
  const others = files.filter((one) => one.id !== file.id);
  const at = others.findIndex((one) => one.name > file.name);
  return others.toSpliced(at < 0 ? others.length : at, 0, file);
}
