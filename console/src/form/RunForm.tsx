import { Button, Group, PasswordInput, Switch, Textarea, TextInput } from "@mantine/core";
import Form from "@rjsf/core/lib/components/Form.js"; // The package as a whole loads ajv
import type { RJSFSchema } from "@rjsf/utils";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { submit, useInputSchema, type InputSchema, type Service } from "../api/services";
import type { JsonObject } from "../api/types";
import { Loading, Problem } from "../parts/states";
import { Calls } from "./Calls";
import { AnyObject } from "./PoolField";
import { withoutEmptyPools } from "./pools";
import { validator } from "./validator";

const FIELDS = { ObjectField: AnyObject };

export function RunForm({ namespace, service }: { namespace: string; service: Service }) {
  const found = useInputSchema(namespace, service.id);
  if (found.isPending) return <Loading what="the form" />;
  if (!found.data) return <Problem error={found.error} retry={() => void found.refetch()} />;
  return <Fields namespace={namespace} service={service} input={found.data} />;
}

interface FieldsProps {
  namespace: string;
  service: Service;
  input: InputSchema;
}

function Fields({ namespace, service, input }: FieldsProps) {
  const navigate = useNavigate();
  const [data, setData] = useState<JsonObject>({});
  const [text, setText] = useState<string | null>(input.schema ? null : "{}");
  const [secrets, setSecrets] = useState<Record<string, string>>({});
  const [tags, setTags] = useState("");
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const chosen = withoutEmptyPools(data, input.schema);
  const made = (): JsonObject => whole(text === null ? chosen : read(text), secrets, tags);
  const run = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const one = await submit(namespace, service.name, made());
      await navigate({ to: "/n/$namespace/executions/$id", params: { namespace, id: one.id } });
    } catch (error) {
      setFailure(error);
    }
    setBusy(false);
  };
  return (
    <div className="form">
      {input.schema && (
        <Switch
          label="As JSON"
          checked={text !== null}
          onChange={(event) => setText(event.currentTarget.checked ? JSON.stringify(chosen, null, 2) : null)}
          mb="xs"
        />
      )}
      {text === null && input.schema ? (
        <Form
          schema={input.schema as RJSFSchema}
          formData={data}
          validator={validator}
          fields={FIELDS}
          onChange={(event) => setData((event.formData ?? {}) as JsonObject)}
          onSubmit={() => void run()}
          idPrefix="input"
          showErrorList={false}
          noHtml5Validate
          tagName="div"
        >
          <></>
        </Form>
      ) : (
        <Textarea label="Input" description="A JSON object" autosize minRows={6} value={text ?? ""} onChange={(event) => setText(event.currentTarget.value)} />
      )}
      {input.secrets.map((name) => (
        <PasswordInput
          key={name}
          label={`Secret ${name}`}
          autoComplete="off"
          maw={520}
          mt="xs"
          visibilityToggleButtonProps={{ "aria-label": `Show the secret ${name}` }}
          value={secrets[name] ?? ""}
          onChange={(event) => setSecrets({ ...secrets, [name]: event.currentTarget.value })}
        />
      ))}
      <TextInput label="Tags" description="With commas between them" maw={520} mt="xs" value={tags} onChange={(event) => setTags(event.currentTarget.value)} />
      <Group mt="sm">
        <Button loading={busy} onClick={() => void run()}>
          Run
        </Button>
      </Group>
      {failure !== null && <Problem error={failure} />}
      <Calls namespace={namespace} service={service} input={shown(chosen, text, secrets, tags)} />
    </div>
  );
}

function read(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`The input is no JSON: ${error instanceof Error ? error.message : ""}`, { cause: error });
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("The input must be a JSON object.");
  return value as JsonObject;
}

function whole(data: JsonObject, secrets: Record<string, string>, tags: string): JsonObject {
  const given = Object.fromEntries(Object.entries(secrets).filter(([, value]) => value));
  const wanted = tags.split(",").map((one) => one.trim()).filter(Boolean);
  return {
    ...data,
    ...(Object.keys(given).length > 0 && { $secrets: given }),
    ...(wanted.length > 0 && { $tags: wanted }),
  };
}

/** The input as others may see it. */
function shown(data: JsonObject, text: string | null, secrets: Record<string, string>, tags: string): JsonObject {
  const hidden = Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, value && "…"]));
  try {
    return whole(text === null ? data : read(text), hidden, tags);
  } catch {
    return {};
  }
}
