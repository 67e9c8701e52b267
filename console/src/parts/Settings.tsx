import { Button, Code, Group, Text } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useSettings } from "../api/revisions";
import type { Service } from "../api/services";
import { save } from "./save";
import { Loading, Problem } from "./states";

/** The service as it could be applied again, for those who may change it. */
export function Settings({ namespace, service }: { namespace: string; service: Service }) {
  const settings = useSettings(namespace, service.name);
  const clipboard = useClipboard({ timeout: 2000 });
  if (settings.isPending) return <Loading what="the settings" />;
  if (settings.isError) return <Problem error={settings.error} />;
  return (
    <>
      <Group gap="sm" mb="xs">
        <Text size="sm">
          As it was applied. Change it in your project, or in this file and with <Code>kubectl apply</Code>.
        </Text>
        <Button size="compact-xs" variant="default" onClick={() => clipboard.copy(settings.data)}>
          {clipboard.copied ? "Copied" : "Copy"}
        </Button>
        <Button size="compact-xs" variant="default" onClick={() => save(new Blob([settings.data]), `${service.name}.yaml`)}>
          Download
        </Button>
      </Group>
      <div className="preview" tabIndex={0} role="group" aria-label="Settings as YAML">
        <pre>{settings.data}</pre>
      </div>
    </>
  );
}
