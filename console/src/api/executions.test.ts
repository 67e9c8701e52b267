import { expect, test } from "vitest";
import { executionsOf, intervalOf, withChanges } from "./executions";
import type { Execution, ExecutionPage, Status } from "./types";

const one = (id: string, status: Status): Execution => ({ id, status, createdAt: "", tags: [] });

test("a page shows the newest of those on it, and takes no others", () => {
  const page: ExecutionPage = { content: [one("a", "PENDING"), one("b", "PENDING")], page: 0, totalElements: 2, totalPages: 1 };
  const changed = withChanges(page, [one("a", "RUNNING"), one("c", "RUNNING"), one("a", "SUCCEEDED")]);
  expect(changed.content.map((found) => found.status)).toEqual(["SUCCEEDED", "PENDING"]);
  expect(withChanges(page, [one("c", "RUNNING")])).toBe(page);
});

test("of events only those of executions have one", () => {
  const events = [
    { id: "1", event: "open", data: "{}" },
    { id: "2", event: "execution", data: JSON.stringify(one("a", "RUNNING")) },
    { id: "3", event: "removed", data: '{"id":"a"}' },
  ];
  expect(executionsOf(events)).toEqual([one("a", "RUNNING")]);
});

test("what is asked for with a stream is what the stream does not tell", () => {
  const waits = { ...one("a", "PENDING"), queue: { waitsFor: "concurrency", position: 3 } };
  const [polled, slow, inLine] = [intervalOf(undefined, false), intervalOf(one("a", "RUNNING"), true), intervalOf(waits, true)];
  expect(polled).toBeLessThan(Number(inLine));
  expect(inLine).toBeLessThan(Number(slow));
  expect(intervalOf(one("a", "FAILED"), false)).toBe(false);
});
