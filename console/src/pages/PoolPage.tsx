import { Code, Group, Text, Title } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { deletePool, usePool, usePoolFiles, type Pool } from "../api/pools";
import { shownTime } from "../api/times";
import { Confirm } from "../parts/Confirm";
import { PoolFiles } from "../parts/PoolFiles";
import { PoolUploads } from "../parts/PoolUploads";
import { Loading, Problem } from "../parts/states";

const route = getRouteApi("/n/$namespace/pools/$id");

export function PoolPage() {
  const { namespace, id } = route.useParams();
  const found = usePool(namespace, id);
  if (found.isPending) return <Loading what="the data pool" />;
  if (!found.data) return <Problem error={found.error} retry={() => void found.refetch()} />;
  return <One namespace={namespace} pool={found.data} />;
}

function One({ namespace, pool }: { namespace: string; pool: Pool }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const queries = useQueryClient();
  const files = usePoolFiles(namespace, pool.id);
  const remove = async () => {
    await deletePool(namespace, pool.id);
    await queries.invalidateQueries({ queryKey: ["pools", namespace] });
    await navigate({ to: "/n/$namespace/pools", params: { namespace }, search: {} });
  };
  return (
    <>
      <Group justify="space-between">
        <Title order={1} size="h2" className="sentence">
          <bdi>{pool.name}</bdi>
        </Title>
        {pool.currentUserPermission === "OWNER" && (
          <Confirm
            ask="Delete the data pool …"
            label="Delete the data pool"
            question="Delete it with all its files?"
            act={remove}
          />
        )}
      </Group>
      {[pool.shortDescription, pool.description].map(
        (text) =>
          text && (
            <Text key={text} className="sentence">
              {text}
            </Text>
          ),
      )}
      <Text size="sm">
        {[pool.createdAt && `Created ${shownTime(pool.createdAt)}`, pool.tags.length > 0 && `Tags ${pool.tags.join(", ")}`]
          .filter(Boolean)
          .join(" · ")}
      </Text>
      <Text size="sm" mb="sm">
        In an input: <Code className="path">{JSON.stringify({ id: pool.id, ref: "DATAPOOL" })}</Code>
      </Text>
      {files.isPending && <Loading what="the files" />}
      {files.isError && <Problem error={files.error} retry={() => void files.refetch()} />}
      {files.data && (
        <>
          <PoolUploads key={pool.id} namespace={namespace} pool={pool.id} />
          <PoolFiles
            namespace={namespace}
            pool={pool.id}
            files={files.data}
            search={search}
            change={(next) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true })}
          />
        </>
      )}
    </>
  );
}
