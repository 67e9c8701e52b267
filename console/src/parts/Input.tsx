import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { platform } from "../api/queries";
import { callJson } from "../api/session";
import { parsed } from "../api/json";
import type { Execution } from "../api/types";
import { Empty, Loading, Problem } from "./states";
import { Tree } from "./Tree";

export function Input({ namespace, one }: { namespace: string; one: Execution }) {
  const job = useQuery({
    queryKey: ["input", namespace, one.id],
    retry: false,
    queryFn: () =>
      callJson<{ input?: string }>(`${platform(namespace)}/service-jobs/${encodeURIComponent(one.id)}`),
  });
  if (job.isPending) return <Loading what="the input" />;
  if (job.isError) return <Problem error={job.error} />;
  if (job.data.input === undefined) return <Empty>Its input was not kept for reading.</Empty>;
  const value = parsed(job.data.input);
  return value === undefined ? <Text className="sentence">{job.data.input}</Text> : <Tree value={value} />;
}
