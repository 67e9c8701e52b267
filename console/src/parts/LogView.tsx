import { Button, Checkbox, Group, Select, Text, TextInput } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { readEvents } from "../api/events";
import { servicePath } from "../api/queries";
import { hasEnded, type Execution, type LogLine } from "../api/types";
import { levels, marked, plain, searched } from "./logLines";
import { save } from "./save";
import { Empty, Loading, Problem } from "./states";

const LINE_HEIGHT = 20;
const FRAME_MS = 100;

/** All lines as they come; those that are in sight are the only ones in the page. */
export function LogView({ namespace, one }: { namespace: string; one: Execution }) {
  const path = `${servicePath(namespace, one.serviceName ?? "")}/${encodeURIComponent(one.id)}/log?follow`;
  const { lines, failure, open } = useLog(path);
  const [search, setSearch] = useState("");
  const [level, setLevel] = useState<string | null>(null);
  const [times, setTimes] = useState(false);
  const [follow, setFollow] = useState(!hasEnded(one));
  const wanted = useDeferredValue(search);
  const found = useMemo(() => searched(lines, wanted, level), [lines, wanted, level]);
  const known = useMemo(() => levels(lines), [lines]);
  if (failure !== null) return <Problem error={failure} />;
  if (lines.length === 0) return open ? <Loading what="the log" /> : <Empty>The program has printed nothing.</Empty>;
  const download = () =>
    save(new Blob(lines.map((line) => `${line.timestamp} ${line.message}\n`)), `${one.id}.log`);
  return (
    <>
      <Group gap="sm" mb="xs" align="end" component="search">
        <TextInput label="Search the log" value={search} onChange={(event) => setSearch(event.currentTarget.value)} />
        {known.length > 1 && (
          <Select label="Level" placeholder="all" clearable clearButtonProps={{ "aria-label": "All levels" }} data={known} value={level} onChange={setLevel} />
        )}
        <Checkbox label="Time stamps" checked={times} onChange={(event) => setTimes(event.currentTarget.checked)} />
        <Checkbox label="Follow" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />
        <Button size="xs" variant="default" onClick={download}>
          Download
        </Button>
      </Group>
      <Rows lines={found} search={wanted} times={times} follow={follow} stop={() => setFollow(false)} />
      <Text size="sm" role="status">
        {found.length === lines.length
          ? `${lines.length.toLocaleString()} lines`
          : `${found.length.toLocaleString()} of ${lines.length.toLocaleString()} lines`}
        {open && ", more may come"}
      </Text>
    </>
  );
}

interface RowsProps {
  lines: LogLine[];
  search: string;
  times: boolean;
  follow: boolean;
  stop: () => void;
}

function Rows({ lines, search, times, follow, stop }: RowsProps) {
  const box = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- no compiler memoizes here
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 30,
  });
  useEffect(() => {
    if (follow && lines.length > 0) rows.scrollToIndex(lines.length - 1);
  }, [follow, lines.length, rows]);
  return (
    <div
      className="log"
      ref={box}
      role="log"
      aria-live="off"
      aria-label="Log"
      tabIndex={0}
      onWheel={(event) => event.deltaY < 0 && stop()}
      onKeyDown={(event) => ["ArrowUp", "PageUp", "Home"].includes(event.key) && stop()}
    >
      <div className="rows" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const line = lines[row.index];
          if (!line) return null;
          return (
            <div
              key={row.key}
              className={`row level-${/^[A-Z]+$/.test(line.severity) ? line.severity : "INFO"}`}
              style={{ transform: `translateY(${row.start}px)` }}
            >
              {times && <time>{line.timestamp}</time>}
              {marked(plain(line.message), search).map((part, index) =>
                part.hit ? <mark key={index}>{part.text}</mark> : part.text,
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Lines arrive by the thousand: the page takes them ten times a second. */
function useLog(path: string): { lines: LogLine[]; failure: unknown; open: boolean } {
  const [state, setState] = useState<{ lines: LogLine[]; failure: unknown; open: boolean }>({
    lines: [],
    failure: null,
    open: true,
  });
  useEffect(() => {
    const abort = new AbortController();
    const all: LogLine[] = [];
    let timer: ReturnType<typeof setTimeout> | null = null;
    const show = (open: boolean, failure: unknown = null) => {
      timer = null;
      if (!abort.signal.aborted) setState({ lines: all.slice(), failure, open });
    };
    readEvents(
      path,
      (events) => {
        for (const one of events) if (one.event === "message" && one.data) all.push(JSON.parse(one.data) as LogLine);
        timer ??= setTimeout(() => show(true), FRAME_MS);
      },
      abort.signal,
    ).then(
      () => {
        if (timer) clearTimeout(timer);
        show(false);
      },
      (error: unknown) => show(false, error),
    );
    return () => {
      abort.abort();
      if (timer) clearTimeout(timer);
    };
  }, [path]);
  return state;
}
