import * as oauth from "oauth4webapi";
import { host, NotRenewed, type Flow, type Identity, type Provider } from "./provider";

const LONGEST_TEXT = 300;

/** Return where to send the browser, and what to remember; raises Error with a sentence. */
export async function begin(provider: Provider, redirect: string): Promise<{ address: string; flow: Flow }> {
  return told(provider, async () => {
    const server = await discover(provider);
    const methods = server.code_challenge_methods_supported;
    if (methods && !methods.includes("S256")) throw new Sentence(`${host(provider)} does not know PKCE with S256.`);
    const flow = {
      issuer: provider.issuer,
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
    };
    const page = server.authorization_endpoint ?? "";
    if (!page.startsWith("https://")) throw new Sentence(`${host(provider)} does not name a page for signing in with https.`);
    const address = new URL(page);
    const parameters = {
      client_id: provider.clientId,
      redirect_uri: redirect,
      response_type: "code",
      scope: provider.scopes.join(" "),
      state: flow.state,
      nonce: flow.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(flow.verifier),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
    return { address: address.href, flow };
  });
}

/** Return who came back from the provider with this query; raises Error with a sentence. */
export async function finish(provider: Provider, redirect: string, query: URLSearchParams, flow: Flow): Promise<Identity> {
  return told(provider, async () => {
    if (flow.issuer !== provider.issuer) throw new Sentence("The console now has another identity provider. Sign in again.");
    const server = await discover(provider);
    const client = { client_id: provider.clientId };
    const code = oauth.validateAuthResponse(server, client, query, flow.state);
    const answer = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), code, redirect, flow.verifier);
    // The signature is left to the API server, which judges each token; here it came from the provider with TLS
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
      expectedNonce: flow.nonce,
      requireIdToken: true,
    });
    return identityOf({ server, client }, tokens);
  });
}

interface Asked {
  server: oauth.AuthorizationServer;
  client: oauth.Client;
}

/** The refresh token stays in here: nothing but the provider's address for tokens gets it. */
function identityOf(asked: Asked, tokens: oauth.TokenEndpointResponse, before = ""): Identity {
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  const refresh = tokens.refresh_token ?? before;
  const found = { token: tokens.id_token ?? "", until: Number(claims?.exp) * 1000 };
  return refresh ? { ...found, renew: () => renewed(asked, refresh, claims?.sub ?? "") } : found;
}

async function renewed(asked: Asked, refresh: string, subject: string): Promise<Identity> {
  const answer = await oauth.refreshTokenGrantRequest(asked.server, asked.client, oauth.None(), refresh);
  if (answer.status === 429 || answer.status >= 500) throw new Error("The identity provider is busy.");
  let tokens: oauth.TokenEndpointResponse;
  try {
    tokens = await oauth.processRefreshTokenResponse(asked.server, asked.client, answer);
  } catch {
    throw new NotRenewed();
  }
  // It may be without one; and somebody else's would have the page go on in another name
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  if (!claims || claims.sub !== subject) throw new NotRenewed();
  return identityOf(asked, tokens, refresh);
}

async function discover(provider: Provider): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(provider.issuer);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
  if (!server.token_endpoint) throw new Sentence(`${host(provider)} does not name an address for tokens.`);
  const origin = new URL(server.token_endpoint).origin;
  if (origin !== issuer.origin)
    throw new Sentence(`${host(provider)} gives tokens at ${origin}, another origin, which this page may not ask.`);
  return server;
}

/** An error whose message people can read as it is. */
class Sentence extends Error {}

async function told<T>(provider: Provider, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Sentence ? error : new Error(sentenceOf(error, provider));
  }
}

function sentenceOf(error: unknown, provider: Provider): string {
  const name = host(provider);
  if (error instanceof oauth.AuthorizationResponseError)
    return `${name} did not sign you in: ${said(error.error, error.error_description)}`;
  if (error instanceof oauth.ResponseBodyError) return `${name} gave no token: ${said(error.error, error.error_description)}`;
  if (error instanceof oauth.WWWAuthenticateChallengeError)
    return `${name} gave no token: it wants a secret. The console's client there must be a public one.`;
  if (error instanceof oauth.OperationProcessingError) {
    if (error.code === oauth.JSON_ATTRIBUTE_COMPARISON)
      return `${name} calls itself another issuer than the gateway's settings do. Both must be the same to the letter.`;
    if (error.code === oauth.JWT_TIMESTAMP_CHECK)
      return `The token of ${name} is not valid at the time that the clock of this machine shows.`;
    return `The answer of ${name} is not of this sign-in, or not as OpenID Connect has it: ${short(error.message)}.`;
  }
  if (error instanceof TypeError && !("code" in error))
    return `${name} could not be asked: it cannot be reached, or does not allow pages of ${location.origin} to ask it.`;
  return `${name} could not sign you in: ${short(error instanceof Error ? error.message : String(error))}.`;
}

function said(code: string, description: string | undefined): string {
  return description ? `${short(description).replace(/[.\s]+$/, "")} (${short(code)}).` : `${short(code)}.`;
}

/** What a provider has written is shown as text, in one line that ends. */
function short(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
  return line.length > LONGEST_TEXT ? `${line.slice(0, LONGEST_TEXT)}…` : line;
}
