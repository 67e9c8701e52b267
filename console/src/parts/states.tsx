import { Alert, Badge, Button, Group, Loader, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { ApiError, signOut } from "../api/session";
import type { Status } from "../api/types";

export function Loading({ what }: { what: string }) {
  return (
    <Group role="status" p="md">
      <Loader size="sm" />
      <Text>Loading {what} …</Text>
    </Group>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return (
    <div className="empty">
      <Text size="lg">{children}</Text>
    </div>
  );
}

/** An error with the API's own sentence. */
export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  const shown = error instanceof ApiError ? error : null;
  return (
    <Alert color="red" title={shown?.status ? `Not possible (${shown.status})` : "Not possible"} variant="outline" my="sm" role="alert">
      <Text className="sentence">{error instanceof Error ? error.message : String(error)}</Text>
      {places(shown).length > 0 && (
        <ul>
          {places(shown).map((one, index) => (
            <li key={index}>{one}</li>
          ))}
        </ul>
      )}
      <Group mt="xs">
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
        {shown?.status === 401 && (
          <Button size="xs" variant="default" onClick={signOut}>
            Sign in again
          </Button>
        )}
      </Group>
    </Alert>
  );
}

/** What is wrong where, as answers about a wrong input say it. */
function places(error: ApiError | null): string[] {
  const errors = error?.problem.errors;
  if (!Array.isArray(errors)) return [];
  return (errors as { path?: unknown; message?: unknown }[]).map((one) => `${String(one.path ?? "")}: ${String(one.message ?? "")}`);
}

const COLOURS: Record<Status, string> = {
  UNKNOWN: "gray",
  PENDING: "yellow",
  RUNNING: "blue",
  SUCCEEDED: "green",
  FAILED: "red",
  CANCELLED: "gray",
};

export function StatusBadge({ status }: { status: Status }) {
  return (
    <Badge variant="outline" color={COLOURS[status]} className={`status status-${COLOURS[status]}`}>
      {status.toLowerCase()}
    </Badge>
  );
}
