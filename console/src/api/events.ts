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

/** Reads a stream and takes it up again behind its last event, until an event `end`, an abort, or a refusal. */
export async function readEvents(
  path: string,
  take: (events: ServerEvent[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let last = "";
  let pause = PAUSE_MS;
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (last) headers["Last-Event-ID"] = last;
      const answer = await call(path, { headers, signal });
      const reader = answer.body?.getReader();
      const decoder = new TextDecoder();
      const parser = new EventParser();
      while (reader) {
        const { done, value } = await reader.read();
        if (done) break;
        const events = parser.push(decoder.decode(value, { stream: true }));
        if (events.length === 0) continue;
        pause = PAUSE_MS;
        last = events.findLast((one) => one.id)?.id ?? last;
        take(events);
        if (events.some((one) => one.event === "end")) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      const status = (error as { status?: number }).status ?? 0;
      if (status >= 400 && status < 500 && status !== 429) throw error;
    }
    await new Promise((done) => setTimeout(done, pause));
    pause = Math.min(pause * 2, MOST_PAUSE_MS);
  }
}
