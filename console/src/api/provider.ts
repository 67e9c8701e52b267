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
}

export function host(provider: Provider): string {
  return new URL(provider.issuer).host;
}
