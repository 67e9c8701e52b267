import { Button, Group, Text } from "@mantine/core";
import { useRef, useState } from "react";
import { Problem } from "./states";

interface ConfirmProps {
  /** What the button says that asks. */
  ask: string;
  label: string;
  question: string;
  /** What the button says that does it. */
  yes?: string;
  disabled?: boolean;
  act: () => Promise<unknown>;
}

/** Asks once more in place, before something is done that cannot be undone. */
export function Confirm({ ask, label, question, yes = "Yes, delete", disabled = false, act }: ConfirmProps) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const back = useRef(false);
  const stop = () => {
    back.current = true;
    setAsking(false);
  };
  const sure = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await act();
    } catch (error) {
      setFailure(error);
    }
    setBusy(false);
    stop();
  };
  return (
    <>
      {asking ? (
        <Group gap="xs" role="group" aria-label={question} onKeyDown={(event) => event.key === "Escape" && !busy && stop()}>
          <Text size="sm" className="path">
            {question}
          </Text>
          <Button size="compact-xs" color="red" variant="outline" className="danger" loading={busy} autoFocus onClick={() => void sure()}>
            {yes}
          </Button>
          <Button size="compact-xs" variant="default" disabled={busy} onClick={stop}>
            No
          </Button>
        </Group>
      ) : (
        <Button
          size="compact-xs"
          variant="default"
          aria-label={label}
          disabled={disabled}
          // Whoever came here by keyboard goes on from where they were
          ref={(button) => {
            if (button && back.current) button.focus();
            back.current = false;
          }}
          onClick={() => setAsking(true)}
        >
          {ask}
        </Button>
      )}
      {failure !== null && <Problem error={failure} />}
    </>
  );
}
