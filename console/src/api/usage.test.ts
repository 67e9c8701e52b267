import { expect, test } from "vitest";
import { factsOf, usedFacts } from "./receipts";
import { courseOf } from "./usage";

const point = (timestamp: number, value: number) => ({ timestamp: String(timestamp), value });

test("two courses share their times, in their order, counted from the start", () => {
  const found = courseOf([point(3000, 2), point(2000, 1)], [point(1000, 8), point(3000, 8)], "1000");
  expect(found.seconds).toEqual([0, 1, 2]);
  expect(found.lines).toEqual([
    { name: "used", values: [null, 1, 2] },
    { name: "limit", values: [8, null, 8] },
  ]);
  expect(courseOf([point(5000, 1)], [])).toEqual({ seconds: [0], lines: [{ name: "used", values: [1] }] });
});

test("a receipt leaves out what it does not know, and keeps an exit code of 0", () => {
  expect(factsOf({ final: false })).toEqual([]);
  const receipt = {
    final: true,
    phase: "Succeeded",
    exitCode: 0,
    submittedBy: { kind: "accessKey", name: "team.k1" },
    output: { fileCount: 1, totalBytes: 2048, skippedCount: 3 },
  };
  expect(factsOf(receipt)).toEqual([
    ["Ended as", "Succeeded"],
    ["Exit code", "0"],
    ["Started by", "access key team.k1"],
    ["Output", "1 file, 2.0 KiB, 3 left out"],
  ]);
});

test("sums that are lower bounds say so", () => {
  const facts = (complete: boolean) => usedFacts({ cpuSeconds: 1.234, memoryPeakBytes: 1024, complete });
  expect(facts(true).slice(0, 2)).toEqual([
    ["CPU time", "1.23 s"],
    ["Most memory at one time", "1.0 KiB"],
  ]);
  expect(facts(false)[0]?.[1]).toBe("at least 1.23 s");
  expect(usedFacts({ cpuSeconds: 3700, complete: true })[0]?.[1]).toBe("1 h 1 min");
});
