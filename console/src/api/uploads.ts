import { filesPath, type PoolFile } from "./pools";
import { sendForm } from "./send";
import { ApiError } from "./session";

const AT_ONCE = 3;
const TRIES = 8;
const PAUSE_MS = 1000;
const MOST_PAUSE_MS = 15_000;
/** Above this a file is sent without a look whether it is there already: it would be in memory as a whole. */
const MOST_DIGESTED = 128 * 1024 * 1024;

export interface Upload {
  key: number;
  name: string;
  size: number;
  sent: number;
  /** `again` waits before its next try; `same` was there already, so that nothing was sent. */
  state: "waiting" | "sending" | "again" | "done" | "same" | "failed";
  error: unknown;
}

/** Sends one file; raises ApiError, or DOMException when it was aborted. */
type Send = (file: File, progress: (sent: number) => void, signal: AbortSignal) => Promise<PoolFile>;

/** Uploads to one data pool: a few at once, each tried again by itself when the connection breaks or the gateway is busy.

The API takes a file whole or not at all: what has arrived stays, and a file that broke off is sent again from its start. */
export class Uploads {
  #shown: readonly Upload[] = [];
  #files = new Map<number, { file: File; abort: AbortController; tries: number }>();
  #listeners = new Set<() => void>();
  #next = 1;

  constructor(
    private readonly send: Send,
    private readonly arrived: (file: PoolFile) => void,
    private readonly isThere: (file: File) => Promise<boolean> = () => Promise.resolve(false),
    private readonly pause: (tries: number) => number = (tries) => Math.min(PAUSE_MS * 2 ** tries, MOST_PAUSE_MS),
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  list = (): readonly Upload[] => this.#shown;

  get busy(): boolean {
    return this.#shown.some((one) => one.state === "waiting" || one.state === "sending" || one.state === "again");
  }

  add(files: Iterable<File>): void {
    const added: Upload[] = [];
    for (const file of files) {
      const key = this.#next++;
      this.#files.set(key, { file, abort: new AbortController(), tries: 0 });
      added.push({ key, name: file.name, size: file.size, sent: 0, state: "waiting", error: null });
    }
    this.#show([...this.#shown, ...added]);
    this.#begin();
  }

  /** Stop it if it is under way, and show it no more. */
  drop(key: number): void {
    this.#files.get(key)?.abort.abort();
    this.#files.delete(key);
    this.#show(this.#shown.filter((one) => one.key !== key));
    this.#begin();
  }

  dropAll(): void {
    for (const one of this.#files.values()) one.abort.abort();
    this.#files.clear();
    this.#show([]);
  }

  dropEnded(): void {
    for (const one of this.#shown) if (one.state === "done" || one.state === "same") this.#files.delete(one.key);
    this.#show(this.#shown.filter((one) => this.#files.has(one.key)));
  }

  retry(key: number): void {
    const known = this.#files.get(key);
    if (!known) return;
    known.tries = 0;
    this.#change(key, { state: "waiting", sent: 0, error: null });
    this.#begin();
  }

  #begin(): void {
    let free = AT_ONCE - this.#shown.filter((one) => one.state === "sending").length;
    for (const one of this.#shown) {
      if (free <= 0) return;
      if (one.state !== "waiting") continue;
      free -= 1;
      this.#change(one.key, { state: "sending", sent: 0 });
      void this.#run(one.key);
    }
  }

  async #run(key: number): Promise<void> {
    const known = this.#files.get(key);
    if (!known) return;
    const { file, abort } = known;
    try {
      if (await this.isThere(file)) this.#change(key, { state: "same" });
      else {
        const stored = await this.send(file, (sent) => this.#change(key, { sent: Math.min(sent, file.size) }), abort.signal);
        this.#change(key, { state: "done", sent: file.size, error: null });
        this.arrived(stored);
      }
    } catch (error) {
      if (!abort.signal.aborted) this.#failed(key, error);
    }
    this.#begin();
  }

  #failed(key: number, error: unknown): void {
    const known = this.#files.get(key);
    if (!known) return;
    if (!mayPass(error) || known.tries >= TRIES) return this.#change(key, { state: "failed", error });
    const wait = this.pause(known.tries);
    known.tries += 1;
    this.#change(key, { state: "again", error });
    setTimeout(() => {
      if (this.#shown.some((one) => one.key === key && one.state === "again")) {
        this.#change(key, { state: "waiting" });
        this.#begin();
      }
    }, wait);
  }

  #change(key: number, change: Partial<Upload>): void {
    this.#show(this.#shown.map((one) => (one.key === key ? { ...one, ...change } : one)));
  }

  #show(shown: readonly Upload[]): void {
    this.#shown = shown;
    for (const listener of this.#listeners) listener();
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 502);
}

export async function sendFile(
  namespace: string,
  pool: string,
  file: File,
  progress: (sent: number) => void,
  signal: AbortSignal,
): Promise<PoolFile> {
  const form = new FormData();
  form.append("file", file, "file"); // Its name is in the address, where every name can stand
  const path = `${filesPath(namespace, pool)}?filename=${encodeURIComponent(file.name)}`;
  return (await sendForm(path, form, progress, signal)) as PoolFile;
}

/** Whether a data pool has this very file under this name. Where the browser makes no digests, it is sent. */
export async function isThere(file: File, files: PoolFile[]): Promise<boolean> {
  const known = files.find((one) => one.name === file.name);
  if (!known || known.contentLength !== file.size || file.size > MOST_DIGESTED || !globalThis.crypto.subtle) return false;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === known.sha256;
}
