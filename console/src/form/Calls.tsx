import { Button, Title } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import type { Service } from "../api/services";
import type { JsonObject } from "../api/types";
import { curlCall, pythonCall, sxCall } from "./callTexts";

/** The same call for other programs. */
export function Calls({ namespace, service, input }: { namespace: string; service: Service; input: JsonObject }) {
  const url = service.serviceDefinitions[0]?.gatewayEndpoint ?? "";
  return (
    <section aria-label="The same call from elsewhere">
      <Title order={2} size="h4" mt="lg">
        The same from elsewhere
      </Title>
      <Call name="sx" text={sxCall(namespace, service.name, input)} />
      <Call name="curl" text={curlCall(url, input)} />
      <Call name="Python" text={pythonCall(url, input)} />
    </section>
  );
}

function Call({ name, text }: { name: string; text: string }) {
  const clipboard = useClipboard({ timeout: 2000 });
  return (
    <details>
      <summary>{name}</summary>
      <pre className="text" tabIndex={0}>
        {text}
      </pre>
      <Button size="compact-xs" variant="default" onClick={() => clipboard.copy(text)} aria-label={`Copy the call with ${name}`}>
        {clipboard.copied ? "Copied" : "Copy"}
      </Button>
    </details>
  );
}
