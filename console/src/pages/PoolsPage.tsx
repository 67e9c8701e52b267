import { Anchor, Button, Group, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { createPool, usePools, type Pool } from "../api/pools";
import { shownAge } from "../api/times";
import { Head } from "../parts/Head";
import { Empty, Loading, Problem } from "../parts/states";
import { useNow } from "../parts/useNow";

const route = getRouteApi("/n/$namespace/pools");
const PIECE = 200;

export function PoolsPage() {
  const { namespace } = route.useParams();
  const { text } = route.useSearch();
  const navigate = route.useNavigate();
  const pools = usePools(namespace);
  const [making, setMaking] = useState(false);
  const search = useDebouncedCallback(
    (wanted: string) => void navigate({ search: { text: wanted || undefined }, replace: true }),
    300,
  );
  const found = (pools.data ?? []).filter((one) => matches(one, text ?? ""));
  return (
    <>
      <Group justify="space-between">
        <Title order={1} size="h2">
          Data pools
        </Title>
        <Button size="xs" variant="default" aria-expanded={making} onClick={() => setMaking(!making)}>
          New data pool …
        </Button>
      </Group>
      {making && <NewPool namespace={namespace} />}
      {pools.isPending && <Loading what="data pools" />}
      {pools.isError && <Problem error={pools.error} retry={() => void pools.refetch()} />}
      {pools.data?.length === 0 && (
        <Empty>There are no data pools in this namespace. A data pool holds files that services read.</Empty>
      )}
      {pools.data && pools.data.length > 0 && (
        <>
          <TextInput
            label="Text"
            placeholder="name, tag …"
            defaultValue={text ?? ""}
            onChange={(event) => search(event.currentTarget.value)}
            maw={320}
            my="sm"
          />
          {found.length === 0 ? <Empty>No data pool fits.</Empty> : <Table namespace={namespace} pools={found} />}
        </>
      )}
    </>
  );
}

function matches(pool: Pool, text: string): boolean {
  const wanted = text.toLowerCase();
  return [pool.name, pool.shortDescription ?? "", pool.id, ...pool.tags].some((one) => one.toLowerCase().includes(wanted));
}

function Table({ namespace, pools }: { namespace: string; pools: Pool[] }) {
  const now = useNow(10_000);
  const [most, setMost] = useState(PIECE);
  return (
    <>
      <table className="executions">
        <Head columns={["Data pool", { wide: "Tags" }, "Created"]} />
        <tbody>
          {pools.slice(0, most).map((one, index) => (
            <tr key={`${one.id} ${index}`}>
              <td className="what">
                <Anchor component={Link} to={`/n/${namespace}/pools/${encodeURIComponent(one.id)}`} className="path">
                  <bdi>{one.name}</bdi>
                </Anchor>
                {one.shortDescription && <span className="message">{one.shortDescription}</span>}
              </td>
              <td className="wide">{one.tags.join(" · ")}</td>
              <td>{one.createdAt && `${shownAge(one.createdAt, now)} ago`}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {pools.length > most && (
        <Button size="xs" variant="default" mt="sm" onClick={() => setMost(most + PIECE)}>
          Show more of {pools.length - most}
        </Button>
      )}
    </>
  );
}

function NewPool({ namespace }: { namespace: string }) {
  const navigate = route.useNavigate();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [tags, setTags] = useState("");
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const make = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const wanted = tags.split(",").map((one) => one.trim()).filter(Boolean);
      const pool = await createPool(namespace, name, about.trim(), wanted);
      void queries.invalidateQueries({ queryKey: ["pools", namespace] });
      await navigate({ to: "/n/$namespace/pools/$id", params: { namespace, id: pool.id } });
    } catch (error) {
      setFailure(error);
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void make(event)} aria-label="New data pool">
      <Group align="end" gap="xs" mt="xs">
        <TextInput label="Name" required minLength={3} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label="What is in it" value={about} onChange={(event) => setAbout(event.currentTarget.value)} />
        <TextInput label="Tags" placeholder="with commas" value={tags} onChange={(event) => setTags(event.currentTarget.value)} />
        <Button type="submit" size="sm" loading={busy}>
          Make it
        </Button>
      </Group>
      <Text size="sm">
        On the command line: <code>sx pool create</code>
      </Text>
      {failure !== null && <Problem error={failure} />}
    </form>
  );
}
