import { Button, Group, Textarea, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { rerunExecution } from "../api/queries";
import type { Execution, JsonObject } from "../api/types";
import { Problem } from "./states";

export function Rerun({ namespace, one }: { namespace: string; one: Execution }) {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [tags, setTags] = useState(one.tags.join(", "));
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const run = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const next = await rerunExecution(namespace, one.id, changesOf(text, tags, one.tags));
      await navigate({ to: "/n/$namespace/executions/$id", params: { namespace, id: next.id } });
    } catch (error) {
      setFailure(error);
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void run(event)} aria-label="Run again">
      <Textarea
        label="Members of the input to change, as a JSON object"
        description="All others stay as they were. Secrets are not kept: give them again in $secrets."
        placeholder='{"data": {"values": [4, 5, 6]}}'
        autosize
        minRows={3}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        mt="sm"
      />
      <TextInput label="Tags" value={tags} onChange={(event) => setTags(event.currentTarget.value)} mt="xs" />
      <Group mt="xs">
        <Button type="submit" size="xs" loading={busy}>
          Run again
        </Button>
      </Group>
      {failure !== null && <Problem error={failure} />}
    </form>
  );
}

/** The body of a rerun: only what differs; raises an error that says what is wrong with the text. */
export function changesOf(text: string, tags: string, before: string[]): JsonObject {
  const changes: JsonObject = {};
  if (text.trim()) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new Error(`The changes are no JSON: ${error instanceof Error ? error.message : ""}`, { cause: error });
    }
    if (value === null || typeof value !== "object" || Array.isArray(value))
      throw new Error('The changes must be a JSON object, such as {"seed": 2}.');
    changes.input = value as JsonObject;
  }
  const wanted = tags.split(",").map((one) => one.trim()).filter(Boolean);
  if (wanted.join("\n") !== before.join("\n")) changes.tags = wanted;
  return changes;
}
