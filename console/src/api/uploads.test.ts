import { expect, test, vi } from "vitest";
import type { PoolFile } from "./pools";
import { withFile } from "./pools";
import { ApiError } from "./session";
import { isThere, Uploads } from "./uploads";

const stored = (name: string): PoolFile => ({ id: name, name, contentType: "", contentLength: 1, sha256: "", version: "" });
const named = (...names: string[]) => names.map((name) => new File(["x"], name));
const states = (uploads: Uploads) => uploads.list().map((one) => one.state);

test("three files are sent at once, and the next begins when one has arrived", async () => {
  const open: (() => void)[] = [];
  const arrived = vi.fn();
  const uploads = new Uploads((file) => new Promise((done) => open.push(() => done(stored(file.name)))), arrived);
  uploads.add(named("a", "b", "c", "d"));
  await vi.waitFor(() => expect(open.length).toBe(3));
  expect(states(uploads)).toEqual(["sending", "sending", "sending", "waiting"]);
  open[1]?.();
  await vi.waitFor(() => expect(open.length).toBe(4));
  expect(states(uploads)).toEqual(["sending", "done", "sending", "sending"]);
  expect(arrived).toHaveBeenCalledWith(stored("b"));
  uploads.dropEnded();
  expect(uploads.list().map((one) => one.name)).toEqual(["a", "c", "d"]);
});

test("a broken connection is tried again, a refusal is shown", async () => {
  const answers = [new ApiError(0, "", "broken"), new ApiError(503, "", "busy"), stored("a")];
  const uploads = new Uploads(
    () => {
      const next = answers.shift();
      return next instanceof Error || !next ? Promise.reject(next as unknown as Error) : Promise.resolve(next);
    },
    () => undefined,
    undefined,
    () => 1,
  );
  uploads.add(named("a"));
  await vi.waitFor(() => expect(states(uploads)).toEqual(["done"]));
  expect(uploads.list()[0]?.error).toBeNull();
  answers.push(new ApiError(413, "", "too large"));
  uploads.add(named("b"));
  await vi.waitFor(() => expect(states(uploads)).toEqual(["done", "failed"]));
  expect(uploads.list()[1]?.error).toMatchObject({ message: "too large" });
  answers.push(stored("b"));
  uploads.retry(2);
  await vi.waitFor(() => expect(uploads.busy).toBe(false));
  expect(states(uploads)).toEqual(["done", "done"]);
});

test("what is dropped is aborted and not tried again", async () => {
  const signals: AbortSignal[] = [];
  const uploads = new Uploads(
    (_, __, signal) =>
      new Promise((_done, fail) => {
        signals.push(signal);
        signal.addEventListener("abort", () => fail(new DOMException("aborted", "AbortError")));
      }),
    () => undefined,
  );
  uploads.add(named("a"));
  await vi.waitFor(() => expect(signals.length).toBe(1));
  uploads.drop(1);
  expect(signals[0]?.aborted).toBe(true);
  expect(uploads.list()).toEqual([]);
});

test("a file that is there is known by its digest, and only then", async () => {
  const sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
  const [file] = named("a");
  const there = { ...stored("a"), sha256 };
  expect(file && (await isThere(file, [there]))).toBe(true);
  expect(file && (await isThere(file, [{ ...there, sha256: "other" }]))).toBe(false);
  expect(file && (await isThere(file, [{ ...there, name: "b" }]))).toBe(false);
});

test("a file takes the place of the one with its id, in the order of names", () => {
  const list = [stored("a"), stored("c")];
  expect(withFile(list, stored("b")).map((one) => one.name)).toEqual(["a", "b", "c"]);
  expect(withFile(list, { ...stored("c"), contentLength: 9 })).toMatchObject([{ name: "a" }, { contentLength: 9 }]);
});
