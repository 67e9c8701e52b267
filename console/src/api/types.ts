export type Status = "UNKNOWN" | "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";
export const STATUSES: Status[] = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"];

export interface Execution {
  id: string;
  name?: string;
  status: Status;
  createdAt: string;
  startedAt?: string;
  endedAt?: string;
  serviceId?: string;
  serviceName?: string;
  applicationId?: string;
  reason?: string;
  message?: string;
  attempts?: number;
  tags: string[];
  /** Only while it waits for others. */
  queue?: Queue;
}

export interface Queue {
  waitsFor: string;
  position?: number;
  startsIn?: { seconds: number; lower: number; upper: number; runs: number };
}

export interface ExecutionPage {
  content: Execution[];
  page: number;
  totalElements: number;
  totalPages: number;
}

export interface OutputFile {
  path: string;
  size: number;
  sha256: string;
  mediaType: string;
}

export interface Overview {
  id: string;
  name: string;
  displayName: string;
  lifecycle: "CREATED" | "ACCESSIBLE";
  createdAt?: string;
}

export interface LogLine {
  message: string;
  severity: string;
  timestamp: string;
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = Record<string, Json>;

export const hasEnded = (one: Execution): boolean =>
  one.status === "SUCCEEDED" || one.status === "FAILED" || one.status === "CANCELLED";
