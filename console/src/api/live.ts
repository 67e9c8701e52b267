import { useDocumentVisibility } from "@mantine/hooks";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { lastId, readEvents, type ServerEvent } from "./events";

const SOON_MS = 300;

/** Does something soon, and `pause` after the last time at the earliest. */
export function useAgain(act: () => void, pause: number): () => void {
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const before = useRef(0);
  useEffect(
    () => () => {
      if (timer.current) clearTimeout(timer.current);
      timer.current = null;
    },
    [],
  );
  return () => {
    timer.current ??= setTimeout(
      () => {
        timer.current = null;
        before.current = Date.now();
        act();
      },
      Math.max(SOON_MS, before.current + pause - Date.now()),
    );
  };
}

/** Reads a stream of the gateway while the page is in sight, and tells whether it is open.

Browsers open six connections to a gateway, for all pages of it together: one out of sight keeps none. It takes the
stream up again behind the last event that it has seen. */
export function useStream(path: string | null, take: (events: ServerEvent[]) => void): boolean {
  const [open, setOpen] = useState<string | null>(null);
  const last = useRef<{ path: string; id: string }>({ path: "", id: "" });
  const inSight = useDocumentVisibility() === "visible";
  const taken = useEffectEvent(take);
  useEffect(() => {
    if (path === null || !inSight) return;
    if (last.current.path !== path) last.current = { path, id: "" };
    const abort = new AbortController();
    readEvents(
      path,
      (events) => {
        last.current.id = lastId(events) ?? last.current.id;
        taken(events);
      },
      abort.signal,
      { last: last.current.id, told: (isOpen) => setOpen(isOpen ? path : null) },
    ).catch(() => undefined); // The page asks for itself, and shows what is refused
    return () => {
      abort.abort();
      setOpen(null);
    };
  }, [path, inSight]);
  return open !== null && open === path;
}
