import type { LogLine } from "../api/types";

// Colours and cursor moves of terminals, titles of windows, and all other control characters but the tab.
const ESCAPES = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[@-_]|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
const LONGEST = 20_000;

/** A line as it is shown: text only, and not longer than a browser lays out at once. */
export function plain(message: string): string {
  const text = message.length > LONGEST ? `${message.slice(0, LONGEST)} …` : message;
  return text.replace(ESCAPES, "");
}

export function searched(lines: LogLine[], search: string, level: string | null): LogLine[] {
  const wanted = search.trim().toLowerCase();
  if (!wanted && !level) return lines;
  return lines.filter(
    (line) => (!level || line.severity === level) && (!wanted || line.message.toLowerCase().includes(wanted)),
  );
}

export function levels(lines: LogLine[]): string[] {
  const found = new Set<string>();
  for (const line of lines) found.add(line.severity);
  return [...found].sort();
}

/** A text cut where the search hits. */
export function marked(text: string, search: string): { text: string; hit: boolean }[] {
  const wanted = search.trim().toLowerCase();
  if (!wanted) return [{ text, hit: false }];
  const lower = text.toLowerCase();
  // Few letters change their length with their case; where one does, nothing is marked
  if (lower.length !== text.length) return [{ text, hit: false }];
  const parts: { text: string; hit: boolean }[] = [];
  let at = 0;
  for (let hit = lower.indexOf(wanted); hit >= 0; hit = lower.indexOf(wanted, at)) {
    if (hit > at) parts.push({ text: text.slice(at, hit), hit: false });
    parts.push({ text: text.slice(hit, hit + wanted.length), hit: true });
    at = hit + wanted.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), hit: false });
  return parts;
}
