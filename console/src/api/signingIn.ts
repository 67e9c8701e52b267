import { useSyncExternalStore } from "react";
import type { Flow, Provider } from "./provider";
import { BASE, endSession, signIn } from "./session";

/** How far signing in at the identity provider is. */
export type Step = "idle" | "working";

const KEPT = "sign-in";
const listeners = new Set<() => void>();

// Before the router reads the address: a code is used once, and stands in no address that somebody may send.
let returned = takeReturn();
let step: Step = returned ? "working" : "idle";

// The browser may show this page again as it was left, when somebody goes back from the provider's.
globalThis.addEventListener?.("pageshow", (event) => {
  if (event.persisted) change("idle");
});

export function useSigningIn(): Step {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => step,
  );
}

/** Leave for the provider's page. */
export function leave(provider: Provider): Promise<void> {
  return work(async () => {
    if (!globalThis.isSecureContext)
      throw new Error("Browsers allow signing in at an identity provider only on pages with https. Open the console with it.");
    const { begin } = await import("./openIdConnect");
    const { address, flow } = await begin(provider, redirectAddress());
    keep({ flow, place: location.hash });
    location.assign(address);
    return false;
  });
}

/** Go on when the browser has come back from the provider; does nothing otherwise. */
export async function comeBack(provider: Provider | undefined): Promise<void> {
  const came = returned;
  returned = null;
  if (came === null) return;
  await work(async () => {
    if (!provider || !came.flow)
      throw new Error("The identity provider's answer belongs to no sign-in that was begun on this page. Sign in again.");
    const { finish } = await import("./openIdConnect");
    signIn({ kind: "identity", ...(await finish(provider, redirectAddress(), came.query, came.flow)) });
    return true;
  });
}

async function work(act: () => Promise<boolean>): Promise<void> {
  change("working");
  try {
    // A page that is being left shows that it works until it is gone
    if (await act()) change("idle");
  } catch (error) {
    endSession(error instanceof Error ? error.message : String(error));
    change("idle");
  }
}

function change(now: Step): void {
  step = now;
  for (const listener of listeners) listener();
}

function redirectAddress(): string {
  return `${location.origin}${BASE}/console/`;
}

interface Kept {
  flow: Flow;
  /** The page of the console that was asked for. */
  place: string;
}

// The only thing that the browser's storage holds, while it is at the provider; never a token.
function keep(kept: Kept): void {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
  } catch {
    throw new Error("This browser keeps nothing for this page, which signing in at an identity provider needs.");
  }
}

function takeKept(): Kept | null {
  try {
    const text = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    return text ? (JSON.parse(text) as Kept) : null;
  } catch {
    return null;
  }
}

function takeReturn(): { query: URLSearchParams; flow: Flow | null } | null {
  const query = new URLSearchParams(globalThis.location?.search ?? "");
  if (!query.has("code") && !query.has("error")) return null;
  const kept = takeKept();
  history.replaceState(null, "", `${location.pathname}${kept?.place ?? location.hash}`);
  return { query, flow: kept?.flow ?? null };
}
