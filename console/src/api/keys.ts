import { useQuery } from "@tanstack/react-query";
import { platform } from "./queries";
import { callJson } from "./session";

interface Application {
  id: string;
}

/** Ids of the access keys that have executions here, and of the reader's own. */
export function useKeys(namespace: string) {
  return useQuery({
    queryKey: ["keys", namespace],
    queryFn: async () => (await callJson<Application[]>(`${platform(namespace)}/applications`)).map((one) => one.id),
    refetchInterval: 30_000,
  });
}
