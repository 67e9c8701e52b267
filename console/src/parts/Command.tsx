import { Button, Group } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";

/** A command to be copied into a terminal. */
export function Command({ text }: { text: string }) {
  const clipboard = useClipboard({ timeout: 2000 });
  return (
    <Group gap="sm" my="xs">
      <pre className="text path" tabIndex={0}>
        {text}
      </pre>
      <Button size="compact-xs" variant="default" onClick={() => clipboard.copy(text)} aria-label={`Copy ${text}`}>
        {clipboard.copied ? "Copied" : "Copy"}
      </Button>
    </Group>
  );
}
