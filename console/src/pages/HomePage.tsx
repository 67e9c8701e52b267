import { Button, Stack, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Navigate, useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { namespaceOf, openSession, useCredential } from "../api/session";

/** Leads to the namespace of the credential, or asks which. */
export function HomePage() {
  const credential = useCredential();
  const session = useQuery({ queryKey: ["session"], queryFn: openSession, staleTime: Infinity });
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const told = (credential ? namespaceOf(credential) : "") || session.data?.namespace || "";
  if (told) return <Navigate to="/n/$namespace/executions" params={{ namespace: told }} replace />;
  const choose = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) void navigate({ to: "/n/$namespace/executions", params: { namespace: text.trim() } });
  };
  return (
    <form onSubmit={choose}>
      <Stack maw={420}>
        <Title order={1}>Which namespace?</Title>
        <TextInput label="Namespace" value={text} onChange={(event) => setText(event.currentTarget.value)} required />
        <Button type="submit">Show its executions</Button>
      </Stack>
    </form>
  );
}
