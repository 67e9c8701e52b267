import { call } from "./session";

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Takes text as it comes and gives whole Server-Sent Events. */
export class EventParser {
  #rest = "";

  push(text: string): ServerEvent[] {
    const found: ServerEvent[] = [];
    const blocks = (this.#rest + text).split(/\r?\n\r?\n/);
    this.#rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const one: ServerEvent = { id: "", event: "message", data: "" };
      for (const line of block.split(/\r?\n/)) {
        const at = line.indexOf(":");
        if (at <= 0) continue;
        const value = line.slice(at + 1).replace(/^ /, "");
        const name = line.slice(0, at);
        if (name === "id") one.id = value;
        else if (name === "event") one.event = value;
        else if (name === "data") one.data += (one.data ? "\n" : "") + value;
      }
      if (one.data || one.id) found.push(one);
    }
    return found;
  }
}

const PAUSE_MS = 1500;
const MOST_PAUSE_MS = 15_000;
/** The gateway writes a comment every 15 seconds: a connection that is silent for longer is dead, as after a sleep. */
const SILENT_MS = 45_000;

interface Reading {
  /** The id of the last event that was seen before. */
  last?: string;
  /** Told when the stream is open, and when it is not any more. */
  told?: (open: boolean) => void;
}

/** Reads a stream and takes it up again behind its last event, until an event `end`, an abort, or a refusal.

Refusals that pass by themselves (429, 503 and other faults of the gateway) are none: it comes again. */
export async function readEvents(
  path: string,
  take: (events: ServerEvent[]) => void,
  signal: AbortSignal,
  { last = "", told = () => undefined }: Reading = {},
): Promise<void> {
  let pause = PAUSE_MS;
  while (!signal.aborted) {
    try {
      for await (const events of connection(path, last, signal, told)) {
        pause = PAUSE_MS;
        last = lastId(events) ?? last;
        take(events);
        if (events.some((one) => one.event === "end")) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      const status = (error as { status?: number }).status ?? 0;
      if (status >= 400 && status < 500 && status !== 429) throw error;
    } finally {
      if (!signal.aborted) told(false);
    }
    await new Promise((done) => setTimeout(done, pause));
    pause = Math.min(pause * 2, MOST_PAUSE_MS);
  }
}

export function lastId(events: ServerEvent[]): string | undefined {
  return events.findLast((one) => one.id)?.id;
}

/** The events of one connection, which ends when it has been silent for too long. */
async function* connection(
  path: string,
  last: string,
  signal: AbortSignal,
  told: (open: boolean) => void,
): AsyncGenerator<ServerEvent[]> {
  const silent = new AbortController();
  const end = () => silent.abort();
  signal.addEventListener("abort", end);
  let timer = setTimeout(end, SILENT_MS);
  try {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (last) headers["Last-Event-ID"] = last;
    const answer = await call(path, { headers, signal: silent.signal });
    told(true);
    const reader = answer.body?.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    while (reader) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(end, SILENT_MS);
      const events = parser.push(decoder.decode(value, { stream: true }));
      if (events.length > 0) yield events;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    end(); // Also when the reader of the events has had enough
  }
}
