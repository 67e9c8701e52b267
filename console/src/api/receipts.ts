import { useQuery } from "@tanstack/react-query";
import { executionPath } from "./queries";
import { callJson } from "./session";
import { shownBytes, shownSeconds } from "./times";
import type { Execution } from "./types";

export interface Used {
  cpuSeconds?: number;
  memoryPeakBytes?: number;
  readBytes?: number;
  writtenBytes?: number;
  complete?: boolean;
}

/** What is read here of a receipt; all of it is in what is downloaded. */
export interface Receipt {
  final: boolean;
  submittedBy?: { kind: string; name?: string };
  service?: { name?: string; revision?: string; sourceDigest?: string; commit?: string; imageDigest?: string };
  image?: { reference?: string; digest?: string };
  phase?: string;
  reason?: string;
  exitCode?: number;
  attempts?: number;
  phases?: { name: string; from: string; to: string; seconds: number }[];
  input?: { digest?: string };
  output?: { digest?: string; fileCount?: number; totalBytes?: number; skippedCount?: number };
  usage?: Used;
}

export type Fact = [name: string, value: string];

export function useReceipt(namespace: string, one: Execution) {
  return useQuery({
    queryKey: ["receipt", namespace, one.id, one.status],
    queryFn: () => callJson<Receipt>(`${executionPath(namespace, one.id)}/receipt`),
  });
}

const SUBMITTERS: Record<string, string> = {
  accessKey: "access key",
  serviceAccount: "account",
  user: "user",
  cluster: "somebody with access to the cluster",
};

/** A receipt as pairs of words for people; what it does not know is left out. */
export function factsOf(receipt: Receipt): Fact[] {
  const { service, image, output } = receipt;
  const by = receipt.submittedBy;
  const facts: [string, string | number | undefined][] = [
    ["Ended as", [receipt.phase, receipt.reason].filter(Boolean).join(", ")],
    ["Exit code", receipt.exitCode],
    ["Attempts", receipt.attempts],
    ["Started by", by && [SUBMITTERS[by.kind] ?? by.kind, by.name].filter(Boolean).join(" ")],
    ["Service", service?.name],
    ["Revision", service?.revision],
    ["Commit", service?.commit],
    ["Source", service?.sourceDigest],
    ["Image", image?.reference],
    ["Digest of the image", image?.digest ?? service?.imageDigest],
    ["Digest of the input", receipt.input?.digest],
    ["Digest of the output", output?.digest],
    ["Output", outputOf(output)],
    ...usedFacts(receipt.usage),
  ];
  return facts.filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => [name, String(value)]);
}

export function usedFacts(usage: Used | undefined): [string, string | undefined][] {
  if (!usage) return [];
  const least = usage.complete === false ? "at least " : "";
  const bytes = (value: number | undefined) => (value === undefined ? undefined : least + shownBytes(value));
  return [
    ["CPU time", usage.cpuSeconds === undefined ? undefined : least + cpuTime(usage.cpuSeconds)],
    ["Most memory at one time", bytes(usage.memoryPeakBytes)],
    ["Read from disks", bytes(usage.readBytes)],
    ["Written to disks", bytes(usage.writtenBytes)],
  ];
}

function cpuTime(seconds: number): string {
  return seconds < 60 ? `${Number(seconds.toFixed(2))} s` : shownSeconds(seconds);
}

function outputOf(output: Receipt["output"]): string | undefined {
  if (output?.fileCount === undefined) return undefined;
  const left = output.skippedCount ? `, ${output.skippedCount} left out` : "";
  const size = output.totalBytes === undefined ? "" : `, ${shownBytes(output.totalBytes)}`;
  return `${output.fileCount} ${output.fileCount === 1 ? "file" : "files"}${size}${left}`;
}
