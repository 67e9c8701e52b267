import { expect, test } from "vitest";
import { queueSentence } from "./queue";
import type { Execution } from "./types";

const one: Execution = { id: "a", status: "PENDING", createdAt: "", tags: [] };

test("who waits is told where it stands and when it starts, as far as that is known", () => {
  const startsIn = { seconds: 140, lower: 110, upper: 170, runs: 30 };
  expect(queueSentence({ ...one, queue: { waitsFor: "concurrency", position: 3, startsIn } })).toBe(
    "It is number 3 in line, since the service lets no more run at once. " +
      "By the last 30 runs it starts in about 2 min 20 s (1 min 50 s to 2 min 50 s).",
  );
  expect(queueSentence({ ...one, queue: { waitsFor: "quota" } })).toBe("It waits, since the namespace's quota has no room.");
  expect(queueSentence({ ...one, queue: { waitsFor: "something new" } })).toBe("It waits.");
  expect(queueSentence(one)).toBe("");
});
