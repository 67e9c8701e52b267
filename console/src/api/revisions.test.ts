import { expect, test } from "vitest";
import { unsettled } from "./revisions";

test("a list of revisions is asked for soon again while something is about to change", () => {
  const built = { name: "r1", phase: "Succeeded" };
  expect(unsettled({ serving: "r1", pinned: null, revisions: [built] })).toBe(false);
  expect(unsettled({ serving: "r1", pinned: "r1", revisions: [built] })).toBe(false);
  expect(unsettled({ serving: "r2", pinned: "r1", revisions: [built] })).toBe(true);
  expect(unsettled({ serving: "r1", pinned: null, revisions: [{ name: "r2", phase: "Building" }, built] })).toBe(true);
});
