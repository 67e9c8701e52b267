/** Where people sign in, as the gateway tells it. */
export interface Provider {
  issuer: string;
  clientId: string;
  scopes: string[];
}

/** What must be remembered while the browser is at the provider. It opens nothing by itself, and is used once. */
export interface Flow {
  issuer: string;
  state: string;
  nonce: string;
  verifier: string;
}

export interface Identity {
  token: string;
  /** Milliseconds since the epoch. */
  until: number;
  /** Asks the provider for the next token; missing where it has given nothing to do so with.

  Raises NotRenewed when there will be none, and another Error when the provider could not be asked. */
  renew?: () => Promise<Identity>;
}

/** The provider gives no further token. */
export class NotRenewed extends Error {}

export function host(provider: Provider): string {
  return new URL(provider.issuer).host;
}
