import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { begin, finish } from "./openIdConnect";
import { NotRenewed } from "./provider";

const PROVIDER = { issuer: "https://id.example.com/realm", clientId: "console", scopes: ["openid", "groups"] };
const HERE = "https://sx.example.com/console/";
const NOW = Math.floor(Date.now() / 1000);

let metadata: Record<string, unknown>;
let answer: (form: URLSearchParams) => Response | Promise<Response>;
let forms: URLSearchParams[];

beforeEach(() => {
  metadata = {
    issuer: PROVIDER.issuer,
    authorization_endpoint: "https://id.example.com/realm/auth?tenant=a",
    token_endpoint: "https://id.example.com/realm/token",
  };
  forms = [];
  vi.stubGlobal("location", { origin: "https://sx.example.com" });
  vi.stubGlobal("fetch", async (address: string, options: RequestInit) => {
    if (String(address) === "https://id.example.com/realm/.well-known/openid-configuration") return Response.json(metadata);
    expect(String(address)).toBe("https://id.example.com/realm/token");
    const form = new URLSearchParams(String(options.body));
    forms.push(form);
    return answer(form);
  });
});

afterEach(() => vi.unstubAllGlobals());

const part = (value: unknown) => btoa(JSON.stringify(value)).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");

function idToken(claims: Record<string, unknown>): string {
  const usual = { iss: PROVIDER.issuer, aud: "console", sub: "ada", iat: NOW, exp: NOW + 600 };
  return `${part({ alg: "RS256" })}.${part({ ...usual, ...claims })}.c2lnbmVk`;
}

/** What comes of a sign-in whose token has these claims, and whose provider sends the browser back with this query. */
async function signedIn(claims: Record<string, unknown> = {}, query: Record<string, string> = {}) {
  const { flow } = await begin(PROVIDER, HERE);
  answer = () => Response.json({ token_type: "Bearer", access_token: "a", id_token: idToken({ nonce: flow.nonce, ...claims }) });
  const came = new URLSearchParams({ code: "c0de", state: flow.state, ...query });
  return { flow, ...(await finish(PROVIDER, HERE, came, flow)) };
}

test("the browser is sent with state, nonce and PKCE, other ones each time", async () => {
  const first = await begin(PROVIDER, HERE);
  const asked = new URL(first.address).searchParams;
  expect(first.address).toMatch(/^https:\/\/id\.example\.com\/realm\/auth\?tenant=a&client_id=console&/);
  expect(Object.fromEntries(asked)).toMatchObject({
    redirect_uri: HERE,
    response_type: "code",
    scope: "openid groups",
    state: first.flow.state,
    nonce: first.flow.nonce,
    code_challenge_method: "S256",
  });
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(first.flow.verifier));
  const challenge = btoa(String.fromCharCode(...new Uint8Array(digest)));
  expect(asked.get("code_challenge")).toBe(challenge.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_"));
  expect(first.address).not.toContain(first.flow.verifier);
  const second = await begin(PROVIDER, HERE);
  for (const name of ["state", "nonce", "verifier"] as const) expect(second.flow[name]).not.toBe(first.flow[name]);
});

test("the code becomes a token with the verifier and without a secret", async () => {
  const { flow, token, until } = await signedIn();
  expect(token.split(".")).toHaveLength(3);
  expect(until).toBe((NOW + 600) * 1000);
  expect(Object.fromEntries(forms[0] ?? [])).toEqual({
    grant_type: "authorization_code",
    code: "c0de",
    redirect_uri: HERE,
    code_verifier: flow.verifier,
    client_id: "console",
  });
});

test.each([
  ["another state", {}, { state: "another" }, "not of this sign-in"],
  ["another issuer's answer", {}, { iss: "https://evil.example" }, "not of this sign-in"],
  ["another nonce", { nonce: "another" }, {}, "not of this sign-in"],
  ["another client's token", { aud: "another" }, {}, "not of this sign-in"],
  ["another issuer's token", { iss: "https://evil.example" }, {}, "not of this sign-in"],
  ["a token that has expired", { exp: NOW - 3600 }, {}, "not valid at the time"],
  ["a token without an end", { exp: undefined }, {}, "not of this sign-in"],
])("%s signs nobody in", async (_, claims, query, sentence) => {
  await expect(signedIn(claims, query)).rejects.toThrow(sentence);
});

test("a code that came with another state is not even sent", async () => {
  await expect(signedIn({}, { state: "another" })).rejects.toThrow();
  expect(forms).toEqual([]);
});

test("what the provider says becomes a short sentence of plain text", async () => {
  const refused = { error: "access_denied", error_description: "<b>Not\n you</b>\u202e." };
  await expect(signedIn({}, refused)).rejects.toThrow("id.example.com did not sign you in: <b>Not  you</b> (access_denied).");
  await expect(signedIn({}, { error: "x".repeat(10_000) })).rejects.toSatisfy((error: Error) => error.message.length < 400);
  const { flow } = await begin(PROVIDER, HERE);
  const came = new URLSearchParams({ code: "c", state: flow.state });
  answer = () => Response.json({ error: "invalid_grant" }, { status: 400 });
  await expect(finish(PROVIDER, HERE, came, flow)).rejects.toThrow("id.example.com gave no token: invalid_grant.");
  answer = () => new Response("", { status: 401, headers: { "WWW-Authenticate": 'Basic realm="x"' } });
  await expect(finish(PROVIDER, HERE, came, flow)).rejects.toThrow("must be a public one");
  answer = () => Promise.reject(new TypeError("Failed to fetch"));
  await expect(finish(PROVIDER, HERE, came, flow)).rejects.toThrow("does not allow pages of https://sx.example.com");
  answer = () => new Response("<html>", { headers: { "Content-Type": "text/html" } });
  await expect(finish(PROVIDER, HERE, came, flow)).rejects.toThrow("not as OpenID Connect has it");
});

test.each([
  [{ issuer: "https://id.example.com" }, "another issuer than the gateway's settings do"],
  [{ token_endpoint: "https://tokens.example.com/" }, "another origin"],
  [{ token_endpoint: undefined }, "does not name an address for tokens"],
  [{ authorization_endpoint: undefined }, "does not name a page"],
  [{ authorization_endpoint: "javascript:alert(1)" }, "does not name a page"],
  [{ authorization_endpoint: "http://id.example.com/" }, "does not name a page"],
  [{ code_challenge_methods_supported: ["plain"] }, "does not know PKCE with S256"],
])("the browser is not sent to a provider that says %j", async (said, sentence) => {
  Object.assign(metadata, said);
  await expect(begin(PROVIDER, HERE)).rejects.toThrow(sentence);
});

/** Somebody who has signed in, whose provider then answers a refresh token like this. */
async function renewed(refreshed: () => Response | Promise<Response>, first: Record<string, unknown> = { refresh_token: "r1" }) {
  const { flow } = await begin(PROVIDER, HERE);
  answer = () => Response.json({ token_type: "Bearer", access_token: "a", id_token: idToken({ nonce: flow.nonce }), ...first });
  const identity = await finish(PROVIDER, HERE, new URLSearchParams({ code: "c", state: flow.state }), flow);
  answer = refreshed;
  return identity.renew?.();
}

const tokens = (claims: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
  Response.json({ token_type: "Bearer", access_token: "a", id_token: idToken(claims), ...more });

test("a refresh token becomes the next token, without a secret, and the newest one the one after", async () => {
  const next = await renewed(() => tokens({ exp: NOW + 1200 }, { refresh_token: "r2" }));
  expect(next?.until).toBe((NOW + 1200) * 1000);
  expect(Object.fromEntries(forms[1] ?? [])).toEqual({ grant_type: "refresh_token", refresh_token: "r1", client_id: "console" });
  answer = () => tokens();
  await (await next?.renew?.())?.renew?.();
  expect(forms.slice(2).map((form) => form.get("refresh_token"))).toEqual(["r2", "r2"]);
  expect(JSON.stringify(next)).not.toContain("r2");
});

test("a provider that gives no refresh token renews nothing", async () => {
  expect(await renewed(() => tokens(), {})).toBeUndefined();
  expect(forms).toHaveLength(1);
});

test.each([
  ["a refusal", () => Response.json({ error: "invalid_grant" }, { status: 400 })],
  ["no ID token", () => Response.json({ token_type: "Bearer", access_token: "a" })],
  ["somebody else's token", () => tokens({ sub: "eve" })],
  ["another client's token", () => tokens({ aud: "another" })],
  ["another issuer's token", () => tokens({ iss: "https://evil.example" })],
  ["a token that has expired", () => tokens({ exp: NOW - 3600 })],
])("%s in answer to a refresh token ends it", async (_, given) => {
  await expect(renewed(given)).rejects.toBeInstanceOf(NotRenewed);
});

test.each([
  ["is away", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["is busy", () => new Response("", { status: 503 })],
])("a provider that %s may be asked again", async (_, given) => {
  await expect(renewed(given)).rejects.not.toBeInstanceOf(NotRenewed);
});
