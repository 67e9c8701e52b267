import { Button } from "@mantine/core";
import { useState } from "react";
import type { Json } from "../api/types";

const PIECE = 200;
const OPEN_DEPTH = 2;
const LONGEST = 4000;

/** A JSON value that opens and closes; long lists come in pieces, so that none stalls the page. */
export function Tree({ value }: { value: Json }) {
  return (
    <div className="tree">
      <Node name="" value={value} depth={0} />
    </div>
  );
}

function Node({ name, value, depth }: { name: string; value: Json; depth: number }) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
  const label = name !== "" && <span className="name">{name}: </span>;
  if (value === null || typeof value !== "object") {
    return (
      <div>
        {label}
        <Leaf value={value} />
      </div>
    );
  }
  const entries = Object.entries(value);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {label}
        {size}
      </summary>
      {open && <Entries entries={entries} depth={depth} />}
    </details>
  );
}

function Entries({ entries, depth }: { entries: [string, Json][]; depth: number }) {
  const [shown, setShown] = useState(PIECE);
  return (
    <ul>
      {entries.slice(0, shown).map(([name, value]) => (
        <li key={name}>
          <Node name={name} value={value} depth={depth + 1} />
        </li>
      ))}
      {entries.length > shown && (
        <li>
          <Button size="compact-xs" variant="default" onClick={() => setShown(shown + PIECE)}>
            Show more of {entries.length - shown}
          </Button>
        </li>
      )}
    </ul>
  );
}

function Leaf({ value }: { value: null | boolean | number | string }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== "string") return <span>{String(value)}</span>;
  const long = value.length > LONGEST && !whole;
  return (
    <span className="sentence">
      {JSON.stringify(long ? value.slice(0, LONGEST) : value)}
      {long && (
        <Button size="compact-xs" variant="default" onClick={() => setWhole(true)}>
          … {value.length - LONGEST} more
        </Button>
      )}
    </span>
  );
}
