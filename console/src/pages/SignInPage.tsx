import { Alert, Button, Code, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { host, type Provider } from "../api/provider";
import { readCredential, signIn, useNotice } from "../api/session";
import { leave } from "../api/signingIn";

export function SignInPage({ provider }: { provider: Provider | undefined }) {
  const notice = useNotice();
  const [text, setText] = useState("");
  const enter = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) signIn(readCredential(text));
  };
  return (
    <Stack maw={520}>
      <Title order={1}>Sign in</Title>
      {notice && (
        <Alert color="yellow" variant="outline" role="alert">
          <Text className="sentence">{notice}</Text>
        </Alert>
      )}
      {provider && (
        <>
          <Button onClick={() => void leave(provider)}>Sign in with {host(provider)}</Button>
          <Text>Or, without it:</Text>
        </>
      )}
      <form onSubmit={enter}>
        <Stack>
          <PasswordInput
            label="Access key or token"
            description="An access key as id:secret, or a token of the cluster"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            autoComplete="off"
            visibilityToggleButtonProps={{ "aria-label": "Show what was typed" }}
            required
          />
          <Button type="submit" variant={provider ? "default" : "filled"}>
            Sign in
          </Button>
        </Stack>
      </form>
      <Text size="sm">
        It is kept in the memory of this page only, and sent only to this gateway. Whoever reaches the cluster with kubectl
        needs none: <Code>sx console</Code> opens this page signed in.
      </Text>
    </Stack>
  );
}
