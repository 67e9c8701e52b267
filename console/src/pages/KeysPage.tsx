import { Text, Title } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useKeys } from "../api/keys";
import { Command } from "../parts/Command";
import { Part } from "../parts/Part";
import { Loading, Problem } from "../parts/states";

const route = getRouteApi("/n/$namespace/keys");

/** How access keys are made and revoked: with commands, since the gateway has no right to make or list Secrets of keys. */
export function KeysPage() {
  const { namespace } = route.useParams();
  const keys = useKeys(namespace);
  return (
    <>
      <Title order={1} size="h2">
        Access keys
      </Title>
      <Text my="xs">
        A key is for programs that have no account of the cluster. It is a Secret with a role of its own, which the gateway
        may neither make nor list: your own rights make it, with a command in a terminal.
      </Text>
      <Part title="Make one">
        <Text size="sm">Its secret is printed this once.</Text>
        <Command text={`sx access-key create -n ${namespace}`} />
      </Part>
      <Part title="See and revoke them">
        <Command text={`sx access-key list -n ${namespace}`} />
        {keys.isPending && <Loading what="keys that have run something" />}
        {keys.isError && <Problem error={keys.error} retry={() => void keys.refetch()} />}
        {keys.data?.length === 0 && <Text size="sm">Nothing that is kept here was run with an access key.</Text>}
        {keys.data && keys.data.length > 0 && (
          <>
            <Text size="sm">These have run something that is kept here. A revoked key may still be among them.</Text>
            {keys.data.map((key) => (
              <Command key={key} text={`sx access-key revoke ${key}`} />
            ))}
          </>
        )}
      </Part>
    </>
  );
}
