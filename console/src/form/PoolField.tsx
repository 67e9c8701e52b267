import { Anchor, Select, TextInput } from "@mantine/core";
import ObjectField from "@rjsf/core/lib/components/fields/ObjectField.js";
import type { FieldProps } from "@rjsf/utils";
import { Link, useParams } from "@tanstack/react-router";
import { usePools } from "../api/pools";
import { poolKind, type Reference } from "./pools";

/** All objects of a form: those that stand for a data pool are chosen from those that there are. */
export function AnyObject(props: FieldProps) {
  const kind = poolKind(props.schema);
  return kind === null ? <ObjectField {...props} /> : <PoolField {...props} kind={kind} />;
}

function PoolField(props: FieldProps & { kind: string }) {
  const { schema, formData, onChange, fieldPathId, required, name, kind } = props;
  const { namespace = "" } = useParams({ strict: false });
  const pools = usePools(namespace);
  const value = (formData as Partial<Reference> | undefined)?.id ?? "";
  const choose = (id: string | null) => onChange(id ? { id, ref: kind } : undefined, fieldPathId.path);
  const field = {
    id: fieldPathId.$id,
    label: props.title ?? schema.title ?? name,
    description: schema.description,
    withAsterisk: required ?? false,
    maw: 520,
  };
  if (!pools.data)
    return (
      <TextInput {...field} placeholder="id of a data pool" value={value} onChange={(event) => choose(event.currentTarget.value)} />
    );
  const shown = new Map(pools.data.map((one) => [one.id, one.name]));
  const names = [...shown.values()];
  const label = (id: string, text: string) => (names.indexOf(text) === names.lastIndexOf(text) ? text : `${text} (${id})`);
  if (value && !shown.has(value)) shown.set(value, value);
  return (
    <>
      <Select
        {...field}
        placeholder={pools.data.length === 0 ? "there are no data pools yet" : "choose a data pool"}
        searchable
        clearable
        clearButtonProps={{ "aria-label": "No data pool" }}
        limit={100}
        data={[...shown].map(([id, text]) => ({ value: id, label: label(id, text) }))}
        value={value || null}
        onChange={choose}
      />
      <Anchor component={Link} to={`/n/${namespace}/pools`} size="sm">
        Data pools
      </Anchor>
    </>
  );
}
