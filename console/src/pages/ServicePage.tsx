import { Anchor, Badge, Group, Tabs, Text, Title } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useService, type Service } from "../api/services";
import { Build } from "../parts/Build";
import { Facts } from "../parts/Facts";
import { Settings } from "../parts/Settings";
import { ServiceUsage } from "../parts/ServiceUsage";
import { Loading, Problem } from "../parts/states";
import { RunForm } from "../form/RunForm";

const route = getRouteApi("/n/$namespace/services/$id");
const TABS = ["run", "about", "build", "settings", "usage"];

export function ServicePage() {
  const { namespace, id } = route.useParams();
  const { found, live } = useService(namespace, id);
  if (found.isPending) return <Loading what="the service" />;
  if (!found.data) return <Problem error={found.error} retry={() => void found.refetch()} />;
  return <One namespace={namespace} service={found.data} live={live} />;
}

function One({ namespace, service, live }: { namespace: string; service: Service; live: boolean }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const definition = service.serviceDefinitions[0];
  const ready = definition?.lifecycle === "ACCESSIBLE";
  return (
    <>
      <Group gap="sm">
        <Title order={1} size="h2">
          {service.name}
        </Title>
        <Badge variant="outline" className={`status status-${ready ? "green" : "yellow"}`}>
          {ready ? "ready" : "not ready"}
        </Badge>
        {definition?.version && <Text size="sm">Revision {definition.version}</Text>}
        <Anchor component={Link} to={`/n/${namespace}/executions?service=${service.id}`}>
          Its executions
        </Anchor>
      </Group>
      {service.displayName !== service.name && <Text>{service.displayName}</Text>}
      <Tabs
        value={search.tab && TABS.includes(search.tab) ? search.tab : "run"}
        onChange={(value) => void navigate({ search: { tab: value ?? undefined }, replace: true })}
        keepMounted={false}
        mt="md"
      >
        <Tabs.List>
          <Tabs.Tab value="run">Run</Tabs.Tab>
          <Tabs.Tab value="about">About</Tabs.Tab>
          <Tabs.Tab value="build">Builds</Tabs.Tab>
          <Tabs.Tab value="settings">Settings</Tabs.Tab>
          <Tabs.Tab value="usage">Usage</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="run" pt="sm">
          <RunForm namespace={namespace} service={service} />
        </Tabs.Panel>
        <Tabs.Panel value="about" pt="sm">
          <About service={service} />
        </Tabs.Panel>
        <Tabs.Panel value="build" pt="sm">
          <Build
            namespace={namespace}
            service={service}
            live={live}
            chosen={search.revision}
            choose={(revision) => void navigate({ search: { tab: "build", revision }, replace: true })}
          />
        </Tabs.Panel>
        <Tabs.Panel value="settings" pt="sm">
          <Settings namespace={namespace} service={service} />
        </Tabs.Panel>
        <Tabs.Panel value="usage" pt="sm">
          <ServiceUsage namespace={namespace} service={service} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function About({ service }: { service: Service }) {
  const definition = service.serviceDefinitions[0];
  const facts: [string, string | undefined][] = [
    ["Endpoint", definition?.gatewayEndpoint],
    ["Source", definition?.source?.image ?? definition?.source?.fullPath ?? definition?.source?.type],
    ["Runtime", definition?.runtimeConfiguration?.runtime],
    ["Resources", definition?.configurations?.map((one) => `${one.type} ${one.amount}${one.unit}`).join(", ")],
    ["You are", service.currentUserPermission?.toLowerCase()],
    ["Id", service.id],
  ];
  return (
    <>
      {definition?.description && <Text className="sentence">{definition.description}</Text>}
      <Facts label="About the service" facts={facts} />
    </>
  );
}
