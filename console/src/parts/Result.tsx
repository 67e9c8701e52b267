import { Text } from "@mantine/core";
import { useResult } from "../api/queries";
import { hasEnded, type Execution, type JsonObject } from "../api/types";
import { Empty, Loading, Problem } from "./states";
import { Tree } from "./Tree";

export function Result({ namespace, one }: { namespace: string; one: Execution }) {
  const result = useResult(namespace, one);
  if (!hasEnded(one)) return <Empty>There is a result when it has ended.</Empty>;
  if (result.isPending) return <Loading what="the result" />;
  if (result.isError) return <Problem error={result.error} retry={() => void result.refetch()} />;
  if (result.data === null) return <Loading what="the result, which is being collected" />;
  const message = (result.data._embedded as JsonObject | undefined)?.message;
  const own = Object.fromEntries(Object.entries(result.data).filter(([name]) => name !== "_embedded" && name !== "_links"));
  if (Object.keys(own).length === 0)
    return <Empty>{typeof message === "string" ? message : "The result has no members. Its files may hold more."}</Empty>;
  return (
    <>
      {typeof message === "string" && <Text>{message}</Text>}
      <Tree value={own} />
    </>
  );
}
