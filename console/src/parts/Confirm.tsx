import { Button, Group, Text } from "@mantine/core";
import { useState } from "react";
import { Problem } from "./states";

interface ConfirmProps {
  /** What the button says that asks. */
  ask: string;
  label: string;
  question: string;
  /** What the button says that does it. */
  yes?: string;
  act: () => Promise<unknown>;
}

/** Asks once more in place, before something is done that cannot be undone. */
export function Confirm({ ask, label, question, yes = "Yes, delete", act }: ConfirmProps) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const sure = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await act();
    } catch (error) {
      setFailure(error);
    }
    setBusy(false);
    setAsking(false);
  };
  return (
    <>
      {asking ? (
        <Group gap="xs" role="group" aria-label={question}>
          <Text size="sm" className="path">
            {question}
          </Text>
          <Button size="compact-xs" color="red" variant="outline" loading={busy} autoFocus onClick={() => void sure()}>
            {yes}
          </Button>
          <Button size="compact-xs" variant="default" onClick={() => setAsking(false)}>
            No
          </Button>
        </Group>
      ) : (
        <Button size="compact-xs" variant="default" aria-label={label} onClick={() => setAsking(true)}>
          {ask}
        </Button>
      )}
      {failure !== null && <Problem error={failure} />}
    </>
  );
}
