import { expect, test } from "vitest";
import { troubles, type Cluster } from "./cluster";

const good: Cluster = {
  time: "2026-11-28T12:00:00+00:00",
  executions: { kept: 0, running: 0, waiting: 0, waitsFor: {}, namespaces: [], failing: [] },
  services: { total: 0, notReady: 0 },
  builds: { waiting: 0, running: 0, failed: 0, newest: [] },
  processes: { leader: { name: "c-1", renewedAt: "2026-11-28T11:59:58Z" }, parts: [{ name: "gateway", ready: 1, wanted: 1 }] },
  store: { answers: true },
  gateway: { name: "g", budgets: [{ name: "submissions", held: 3, most: 32, waiting: 0 }], kubernetes: { refused: 0, throttledSeconds: 0 } },
};

test("a cluster without trouble has nothing to say", () => {
  expect(troubles(good)).toEqual([]);
});

test("each trouble is a sentence", () => {
  const bad: Cluster = {
    ...good,
    processes: {
      leader: { name: "c-1", renewedAt: "2026-11-28T11:55:00Z" },
      parts: [
        { name: "gateway", ready: 0, wanted: 2 },
        { name: "controller", ready: 1, wanted: 2 },
      ],
    },
    store: { answers: false, problem: "The results store has not answered since 11:00." },
    gateway: { ...good.gateway, budgets: [{ name: "submissions", held: 32, most: 32, waiting: 7 }] },
  };
  expect(troubles(bad)).toEqual([
    "Of 2 gateways, none is ready.",
    "Of 2 controllers, 1 is ready.",
    "The controller that leads has been silent for 5 min 0 s.",
    "The results store has not answered since 11:00.",
    "7 wait for one of 32 submissions.",
  ]);
});
