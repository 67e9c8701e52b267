import { useSyncExternalStore } from "react";
import { NotRenewed, type Identity, type Provider } from "./provider";

/** How requests say who calls. It is kept in memory only: a page that is loaded again asks anew. */
export type Credential =
  | { kind: "key"; id: string; secret: string }
  | { kind: "token"; token: string }
  | ({ kind: "identity" } & Identity)
  | { kind: "none" };

/** Where the gateway is: the page's own address up to the console, since a proxy may have added a prefix. */
export const BASE = (globalThis.location?.pathname ?? "").replace(/\/console\/?.*$/, "");
const EARLY_MS = 60_000;
/** Until a provider that could not be asked is asked again. */
const AGAIN_MS = 10_000;
/** Browsers take a longer timer for one of no time at all. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const ENDED = "Your sign-in has ended. Sign in again; you come back to this page.";
const NOT_TAKEN =
  "The cluster does not take the identity provider's token. Its operator must name the issuer and the client in the " +
  "API server's authentication configuration.";

let credential: Credential | null = null;
let minted: { token: string; until: number } | null = null;
let minting: Promise<string> | null = null;
/** Who the provider says is signed in: other than `credential` it has the newest token. */
let identity: Identity | null = null;
let renewing: Promise<void> | null = null;
/** Why nobody is signed in any more, or why signing in did not work; "" when there is nothing to say. */
let notice = "";
/** Whether the cluster has taken the credential once. */
let taken = false;
let ending: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

/** An answer that is no success; `message` is the API's own sentence. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly problem: Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

export function useCredential(): Credential | null {
  return useSyncExternalStore(subscribe, () => credential);
}

export function useNotice(): string {
  return useSyncExternalStore(subscribe, () => notice);
}

export function signIn(given: Credential): void {
  become(given, "");
  if (given.kind === "identity") hold(given);
}

export function signOut(): void {
  become(null, "");
}

/** Sign out, and say why on the page for signing in. */
export function endSession(why: string): void {
  become(null, why);
}

function become(given: Credential | null, why: string): void {
  clearTimeout(ending);
  credential = given;
  minted = null;
  identity = null;
  renewing = null;
  taken = false;
  notice = why;
  tell();
}

/** Take the provider's token until its end, and ask for the next one a little before. */
function hold(given: Identity): void {
  identity = given;
  const early = given.renew ? Math.min(EARLY_MS, (given.until - Date.now()) / 4) : 0;
  waitFor(given, given.until - Math.max(0, early));
}

function waitFor(given: Identity, due: number): void {
  clearTimeout(ending);
  const left = due - Date.now();
  if (left > 0) ending = setTimeout(() => waitFor(given, due), Math.min(left, LONGEST_TIMER_MS));
  else if (given.renew) void renewal(given);
  else endSession(ENDED);
}

/** One at a time: a provider may take each refresh token once. */
function renewal(given: Identity): Promise<void> {
  renewing ??= renewed(given);
  return renewing;
}

async function renewed(given: Identity): Promise<void> {
  let next: Identity | null = null;
  try {
    next = (await given.renew?.()) ?? null;
  } catch (error) {
    // The token that there is stays good until its end
    if (error instanceof NotRenewed) next = { token: given.token, until: given.until };
  }
  if (identity !== given) return; // Signed out meanwhile, or somebody else is signed in
  renewing = null;
  if (next) hold(next);
  else waitFor(given, Date.now() + AGAIN_MS);
}

/** An access key is `<namespace>.<name>:<secret>`; all else is taken for a token. */
export function readCredential(text: string): Credential {
  const given = text.trim();
  const key = /^([a-z0-9-]+\.k[a-z0-9]+):(\S+)$/.exec(given);
  if (key?.[1] && key[2]) return { kind: "key", id: key[1], secret: key[2] };
  return { kind: "token", token: given };
}

/** The namespace that a credential belongs to, "" when it does not say. */
export function namespaceOf(given: Credential): string {
  if (given.kind === "key") return given.id.split(".")[0] ?? "";
  if (given.kind !== "token") return "";
  try {
    const payload = (given.token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const subject = String((JSON.parse(atob(payload)) as { sub?: unknown }).sub);
    const parts = subject.split(":");
    return parts.length === 4 && parts[1] === "serviceaccount" ? (parts[2] ?? "") : "";
  } catch {
    return "";
  }
}

export interface OpenSession {
  signedIn: boolean;
  namespace?: string;
  openIdConnect?: Provider;
}

/** Tells whether the gateway needs no credential of ours, as behind `sx console`, and what else it knows before. */
export async function openSession(): Promise<OpenSession> {
  const answer = await fetch(`${BASE}/console/session.json`);
  return answer.ok ? ((await answer.json()) as OpenSession) : { signedIn: false };
}

/** Send a request; raises ApiError with the API's sentence. `path` begins with a slash. */
export async function call(path: string, options: RequestInit = {}): Promise<Response> {
  const token = await bearer();
  const headers = new Headers(options.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const answer = await reached(`${BASE}${path}`, { ...options, headers });
  if (answer.ok) {
    taken = true;
    return answer;
  }
  if (answer.status === 401) forgetToken();
  throw await errorOf(answer);
}

export async function callJson<T>(path: string, options: RequestInit = {}): Promise<T> {
  return (await (await call(path, options)).json()) as T;
}

async function errorOf(answer: Response): Promise<ApiError> {
  return errorFrom(answer.status, await answer.text());
}

export function errorFrom(status: number, text: string): ApiError {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    const detail = body.detail ?? body.error_description ?? body.message;
    if (typeof detail === "string") return new ApiError(status, String(body.code ?? ""), detail, body);
  } catch {
    // No JSON: a proxy has answered
  }
  return new ApiError(status, "", `The gateway answered with status ${status}.`);
}

async function reached(url: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...options, credentials: "omit", redirect: "error" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "Unreachable", "The gateway cannot be reached. The page asks again by itself.");
  }
}

/** Ask for a token anew before the next request; the provider's tokens are asked for by signing in. */
export function forgetToken(): void {
  minted = null;
  if (credential?.kind === "identity") endSession(taken ? ENDED : NOT_TAKEN);
}

/** The token that a request carries; "" when it needs none. */
export async function bearer(): Promise<string> {
  const given = credential;
  if (given === null || given.kind === "none") return "";
  if (given.kind === "token") return given.token;
  if (given.kind === "identity") return identityToken();
  if (minted && minted.until - EARLY_MS > Date.now()) return minted.token;
  minting ??= mint(given.id, given.secret).finally(() => {
    minting = null;
  });
  return minting;
}

/** As after a sleep, the next token may be due already; one that has ended is never sent. */
async function identityToken(): Promise<string> {
  if (identity?.renew && identity.until <= Date.now()) {
    await renewal(identity);
    if (identity && identity.until <= Date.now())
      throw new ApiError(0, "Unreachable", "The identity provider cannot be reached. The page asks again by itself.");
  }
  return identity?.token ?? "";
}

async function mint(id: string, secret: string): Promise<string> {
  const answer = await reached(`${BASE}/oauth/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  if (!answer.ok) throw await errorOf(answer);
  const found = (await answer.json()) as { access_token: string; expires_in: number };
  minted = { token: found.access_token, until: Date.now() + found.expires_in * 1000 };
  return found.access_token;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(): void {
  for (const listener of listeners) listener();
}
