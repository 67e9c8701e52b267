/** Times of the API are `YYYY-MM-DD HH:MM:SS` in UTC, or RFC 3339. */
export function readTime(text: string | undefined): Date | null {
  if (!text) return null;
  const found = new Date(/[zZ]|[+-]\d\d:\d\d$/.test(text) ? text : `${text.replace(" ", "T")}Z`);
  return Number.isNaN(found.getTime()) ? null : found;
}

export function shownTime(text: string | undefined): string {
  const time = readTime(text);
  return time ? time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }) : "";
}

/** How long ago, in the largest unit that fits. */
export function shownAge(text: string | undefined, now: number): string {
  const time = readTime(text);
  return time ? shownSeconds((now - time.getTime()) / 1000) : "";
}

export function shownSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d`;
}

export function shownBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit] ?? ""}`;
}
