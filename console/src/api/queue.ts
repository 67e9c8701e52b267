import { shownSeconds } from "./times";
import type { Execution } from "./types";

const WAITS_FOR: Record<string, string> = {
  concurrency: "the service lets no more run at once",
  queue: "the queue of the cluster lets no more in",
  quota: "the namespace's quota has no room",
};

/** Why an execution has not started, where it stands and when it will probably start; "" when that is not known. */
export function queueSentence(one: Execution): string {
  const { queue } = one;
  if (!queue) return "";
  const why = WAITS_FOR[queue.waitsFor];
  const place = queue.position === undefined ? "It waits" : `It is number ${queue.position.toLocaleString()} in line`;
  const sentence = why ? `${place}, since ${why}.` : `${place}.`;
  if (!queue.startsIn) return sentence;
  const { seconds, lower, upper, runs } = queue.startsIn;
  return `${sentence} By the last ${runs} runs it starts in about ${shownSeconds(seconds)} (${shownSeconds(lower)} to ${shownSeconds(upper)}).`;
}
