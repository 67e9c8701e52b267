import { ActionIcon, Anchor, Button, Group, Text, TextInput, Title, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState, type FormEvent } from "react";
import { openSession, signIn, signOut, useCredential } from "../api/session";
import { comeBack, useSigningIn } from "../api/signingIn";
import { SignInPage } from "../pages/SignInPage";
import { Loading } from "./states";

/** The frame of all pages; without a credential it is the page for signing in, whatever the address. */
export function Shell() {
  const credential = useCredential();
  const session = useQuery({ queryKey: ["session"], queryFn: openSession, staleTime: Infinity, retry: 1 });
  const open = session.data?.signedIn === true;
  useEffect(() => {
    if (open && credential === null) signIn({ kind: "none" });
  }, [open, credential]);
  const signing = useSigningIn() === "working";
  const [asked, provider] = [!session.isPending, session.data?.openIdConnect];
  useEffect(() => {
    if (asked) void comeBack(provider);
  }, [asked, provider]);
  const queries = useQueryClient();
  useEffect(() => {
    // The next one to sign in here sees nothing of what the last one could
    if (credential === null) queries.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
  }, [credential, queries]);
  return (
    <>
      <a className="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        {credential !== null ? (
          <Outlet />
        ) : session.isPending || open || signing ? (
          <Loading what="the console" />
        ) : (
          <SignInPage provider={provider} />
        )}
      </main>
    </>
  );
}

function skip(event: { preventDefault(): void }): void {
  event.preventDefault(); // The fragment is the address of the page
  document.getElementById("main")?.focus();
}

function Header() {
  const credential = useCredential();
  const { namespace: shown } = useParams({ strict: false });
  const [last, setLast] = useState("");
  // The page of the cluster has none of its own, and leads back
  const namespace = shown ?? last;
  if (shown !== undefined && shown !== last) setLast(shown);
  return (
    <header>
      <Group justify="space-between" gap="xs">
        <Group gap="lg">
          <Text fw={700}>ServiceExecution</Text>
          {credential !== null && (
            <Group component="nav" gap="md" aria-label="Pages">
              {namespace && <PagesOf namespace={namespace} />}
              <Anchor component={Link} to="/cluster">
                Cluster
              </Anchor>
            </Group>
          )}
        </Group>
        <Group gap="xs">
          {credential !== null && namespace && <NamespaceChoice key={namespace} current={namespace} />}
          <SchemeSwitch />
          {credential !== null && credential.kind !== "none" && (
            <Button size="xs" variant="default" onClick={signOut}>
              Sign out
            </Button>
          )}
        </Group>
      </Group>
    </header>
  );
}

function PagesOf({ namespace }: { namespace: string }) {
  return (
    <>
      <Anchor component={Link} to={`/n/${namespace}/overview`}>
        Overview
      </Anchor>
      <Anchor component={Link} to={`/n/${namespace}/executions`}>
        Executions
      </Anchor>
      <Anchor component={Link} to={`/n/${namespace}/services`}>
        Services
      </Anchor>
      <Anchor component={Link} to={`/n/${namespace}/pools`}>
        Data pools
      </Anchor>
      <Anchor component={Link} to={`/n/${namespace}/keys`}>
        Access keys
      </Anchor>
    </>
  );
}

function NamespaceChoice({ current }: { current: string }) {
  const navigate = useNavigate();
  const [text, setText] = useState(current);
  const choose = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() && text !== current)
      void navigate({ to: "/n/$namespace/executions", params: { namespace: text.trim() } });
  };
  return (
    <form onSubmit={choose}>
      <TextInput
        size="xs"
        w={150}
        aria-label="Namespace"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={choose}
      />
    </form>
  );
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  return (
    <ActionIcon
      variant="default"
      aria-label={dark ? "Show in light colours" : "Show in dark colours"}
      onClick={() => setColorScheme(dark ? "light" : "dark")}
    >
      <span aria-hidden="true">{dark ? "☀" : "☾"}</span>
    </ActionIcon>
  );
}

export function NotFound() {
  return <Title order={1}>There is no such page.</Title>;
}
