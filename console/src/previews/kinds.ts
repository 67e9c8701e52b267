import type { OutputFile } from "../api/types";

export type Kind = "image" | "pdf" | "html" | "csv" | "json" | "markdown" | "text";

const BY_TYPE: Record<string, Kind> = {
  "application/pdf": "pdf",
  "application/json": "json",
  "text/csv": "csv",
  "text/tab-separated-values": "csv",
  "text/html": "html",
  "application/xhtml+xml": "html",
  "text/markdown": "markdown",
};
const BY_ENDING: Record<string, Kind> = {
  csv: "csv",
  tsv: "csv",
  json: "json",
  geojson: "json",
  md: "markdown",
  log: "text",
  txt: "text",
  yaml: "text",
  yml: "text",
  toml: "text",
  xml: "text",
  qasm: "text",
  py: "text",
};
const IMAGES = new Set(["png", "jpeg", "gif", "webp", "avif", "bmp", "svg+xml"]);

/** How a file is shown, by its media type and else by the ending of its name; null when it is not. */
export function kindOf(file: OutputFile): Kind | null {
  const type = (file.mediaType.split(";")[0] ?? "").trim().toLowerCase();
  const [main, sub] = type.split("/");
  if (main === "image") return IMAGES.has(sub ?? "") ? "image" : null;
  const ending = file.path.split(".").at(-1)?.toLowerCase() ?? "";
  return BY_TYPE[type] ?? (type.endsWith("+json") ? "json" : undefined) ?? BY_ENDING[ending] ?? (main === "text" ? "text" : null);
}
