import { expect, test } from "vitest";
import { failingOf, waitingFor } from "./overview";
import type { Execution } from "./types";

const one = (id: string, more: Partial<Execution>): Execution => ({ id, status: "FAILED", createdAt: "", tags: [], ...more });

test("what fails most comes first, with the newest of its kind", () => {
  const found = failingOf([
    one("3", { serviceName: "a", reason: "OutOfMemory" }),
    one("2", { serviceName: "b", reason: "ProgramFailed" }),
    one("1", { serviceName: "b", reason: "ProgramFailed" }),
    one("0", {}),
  ]);
  expect(found.map(({ service, reason, count, newest }) => [service, reason, count, newest.id])).toEqual([
    ["b", "ProgramFailed", 2, "2"],
    ["a", "OutOfMemory", 1, "3"],
    ["", "", 1, "0"],
  ]);
});

test("those that wait are counted by what they wait for", () => {
  const waiting = [one("1", { queue: { waitsFor: "quota" } }), one("2", {}), one("3", { queue: { waitsFor: "quota" } })];
  expect(waitingFor(waiting)).toEqual([
    ["quota", 2],
    ["start", 1],
  ]);
});
