// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bearer, call, signIn, signOut } from "./session";

vi.mock("react", () => ({ useSyncExternalStore: (_: unknown, read: () => unknown) => read() }));
const { useCredential: credential, useNotice: notice } = await import("./session");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const identity = (seconds: number) => ({ kind: "identity" as const, token: "t0ken", until: Date.now() + seconds * 1000 });

test("a sign-in ends with its token, and says so", async () => {
  signIn(identity(3600));
  expect(await bearer()).toBe("t0ken");
  vi.advanceTimersByTime(3_599_000);
  expect(credential()).not.toBeNull();
  vi.advanceTimersByTime(1000);
  expect([credential(), await bearer(), notice()]).toEqual([null, "", expect.stringContaining("has ended")]);
});

test("a token of months does not end at once, as timers of browsers do", () => {
  signIn(identity(90 * 24 * 3600));
  vi.advanceTimersByTime(60_000);
  expect(credential()).not.toBeNull();
  vi.advanceTimersByTime(90 * 24 * 3_600_000);
  expect(credential()).toBeNull();
});

test("who signs out and in again is not signed out by the earlier token's end", () => {
  signIn(identity(10));
  signOut();
  expect(notice()).toBe("");
  signIn(identity(3600));
  vi.advanceTimersByTime(11_000);
  expect(credential()).not.toBeNull();
});

test("a token that the cluster has never taken is the operator's matter, one that it has taken has ended", async () => {
  const fetched = vi.spyOn(globalThis, "fetch");
  for (const [answers, sentence] of [
    [[401], "authentication configuration"],
    [[200, 401], "has ended"],
  ] as const) {
    signIn(identity(3600));
    for (const status of answers) {
      fetched.mockResolvedValueOnce(Response.json({}, { status }));
      await call("/x").catch(() => null);
    }
    expect([credential(), notice()]).toEqual([null, expect.stringContaining(sentence)]);
  }
});
