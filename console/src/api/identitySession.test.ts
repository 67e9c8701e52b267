// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NotRenewed, type Identity } from "./provider";
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

/** What a provider gives: tokens of a minute, numbered, as long as `refuse` does not say otherwise. */
function renewable(refuse: (time: number) => Error | null = () => null) {
  const asked = vi.fn();
  const one = (number: number): Identity => ({
    token: `t${number}`,
    until: Date.now() + 60_000,
    renew: async () => {
      asked();
      const refusal = refuse(asked.mock.calls.length);
      if (refusal) throw refusal;
      return one(number + 1);
    },
  });
  signIn({ kind: "identity", ...one(1) });
  return asked;
}

test("a page that is left open stays signed in, with a new token before each end", async () => {
  const asked = renewable();
  await vi.advanceTimersByTimeAsync(46_000);
  expect([await bearer(), asked.mock.calls.length]).toEqual(["t2", 1]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect([credential(), notice()]).toEqual([expect.objectContaining({ kind: "identity" }), ""]);
  signOut();
  const before = asked.mock.calls.length;
  await vi.advanceTimersByTimeAsync(600_000);
  expect([asked.mock.calls.length, await bearer()]).toEqual([before, ""]);
});

test("a provider that gives no further token ends the sign-in with the token, and not before", async () => {
  const asked = renewable(() => new NotRenewed());
  await vi.advanceTimersByTimeAsync(59_000);
  expect([await bearer(), asked.mock.calls.length]).toEqual(["t1", 1]);
  await vi.advanceTimersByTimeAsync(1000);
  expect([credential(), notice(), asked.mock.calls.length]).toEqual([null, expect.stringContaining("has ended"), 1]);
});

test("after a sleep the next request waits for a new token, and none is sent that has ended", async () => {
  const away = new TypeError("Failed to fetch");
  const asked = renewable((time) => (time === 1 ? away : null));
  vi.setSystemTime(Date.now() + 8 * 3_600_000); // No timer has fired meanwhile
  await expect(bearer()).rejects.toThrow("identity provider cannot be reached");
  expect(await Promise.all([bearer(), bearer()])).toEqual(["t2", "t2"]);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("a provider that is away for a while is asked again", async () => {
  const asked = renewable((time) => (time < 3 ? new TypeError("Failed to fetch") : null));
  await vi.advanceTimersByTimeAsync(66_000);
  expect([await bearer(), asked.mock.calls.length]).toEqual(["t2", 3]);
});

test("a token that comes when somebody has signed out is not used", async () => {
  let give: (next: Identity) => void = () => undefined;
  const later = new Promise<Identity>((done) => (give = done));
  signIn({ kind: "identity", token: "t1", until: Date.now() + 60_000, renew: () => later });
  await vi.advanceTimersByTimeAsync(50_000);
  signOut();
  give({ token: "t2", until: Date.now() + 60_000 });
  await vi.advanceTimersByTimeAsync(0);
  expect([credential(), await bearer()]).toEqual([null, ""]);
});
