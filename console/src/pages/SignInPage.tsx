import { Button, Code, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { readCredential, signIn } from "../api/session";

export function SignInPage() {
  const [text, setText] = useState("");
  const enter = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) signIn(readCredential(text));
  };
  return (
    <form onSubmit={enter}>
      <Stack maw={520}>
        <Title order={1}>Sign in</Title>
        <PasswordInput
          label="Access key or token"
          description="An access key as id:secret, or a token of the cluster"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          autoComplete="off"
          visibilityToggleButtonProps={{ "aria-label": "Show what was typed" }}
          required
        />
        <Button type="submit">Sign in</Button>
        <Text size="sm">
          It is kept in the memory of this page only, and sent only to this gateway. Whoever reaches the cluster with kubectl
          needs none: <Code>sx console</Code> opens this page signed in.
        </Text>
      </Stack>
    </form>
  );
}
