"""A small identity provider (OpenID Connect) with TLS on loopback, whose keys and tokens are real ones.

It signs everybody in as one user, with the authorization code flow and PKCE, as a public client. A test says what its
tokens claim, and what it answers in place of a code.
"""

import base64
import contextlib
import hashlib
import json
import secrets
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from typing_extensions import override

from tests.support.certificates import write_certificate

CLIENT: Final = "console"
USER: Final = "ada@example.com"
SECONDS: Final = 600
"""How long its tokens are valid."""


@dataclass
class IdentityProvider:
    """What a test says to it, and what it was asked."""

    issuer: str
    certificate: Path
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    claims: dict[str, Any] = field(default_factory=dict)
    """What tokens say otherwise than usual."""
    refusal: dict[str, str] = field(default_factory=dict)
    """What the browser comes back with in place of a code."""
    allowed_origins: set[str] = field(default_factory=set)
    """Origins whose pages may ask for tokens; it adds that of each redirect address by itself."""
    asked: list[dict[str, str]] = field(default_factory=list)
    """The parameters of each sign-in that was begun."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    """Code → the parameters that it was given for; each is taken once."""
    refreshes: bool = False
    """Whether it gives refresh tokens, each of which it takes once."""
    refresh_tokens: list[str] = field(default_factory=list)
    """Those that it takes."""
    refreshed: int = 0
    """How many it has taken."""

    def token(self, *, key: rsa.RSAPrivateKey | None = None, **claims: Any) -> str:
        """Return an ID token that says these claims, signed with ``key`` or the provider's own."""
        now = self.now()
        usual = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "ada",
            "email": USER,
            "iat": now,
            "exp": now + SECONDS,
        }
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        text = f"{_encoded({'alg': 'RS256', 'kid': 'k1'})}.{_encoded(said)}"
        signature = (key or self.key).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_base64(signature)}"

    def now(self) -> int:
        """Return the seconds since the epoch."""
        return int(time.time())

    def redirected(self, query: Mapping[str, str]) -> str:
        """Return where the browser of somebody who has signed in goes."""
        self.asked.append(dict(query))
        target = urlsplit(query["redirect_uri"])
        self.allowed_origins.add(f"{target.scheme}://{target.netloc}")
        if self.refusal:
            return f"{query['redirect_uri']}?{urlencode({**self.refusal, 'state': query['state']})}"
        code = secrets.token_urlsafe(8)
        self.codes[code] = dict(query)
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def answer(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Return status and body for a form at the token endpoint."""
        if form.get("grant_type") == "refresh_token":
            return self._refreshed(form)
        given = self.codes.pop(form.get("code", ""), None)
        challenge = _base64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            given is None
            or given["code_challenge"] != challenge
            or given["code_challenge_method"] != "S256"
            or any(given[name] != form.get(name) for name in ("client_id", "redirect_uri"))
            or "client_secret" in form
        ):
            return 400, {"error": "invalid_grant", "error_description": "The code is not good."}
        return 200, self._tokens(nonce=given["nonce"])

    def _refreshed(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        given = form.get("refresh_token", "")
        if given not in self.refresh_tokens or form.get("client_id") != CLIENT or "client_secret" in form:
            return 400, {"error": "invalid_grant"}
        self.refresh_tokens.remove(given)
        self.refreshed += 1
        return 200, self._tokens()

    def _tokens(self, **claims: str) -> dict[str, Any]:
        found = {"token_type": "Bearer", "access_token": "nothing"}
        if self.refreshes:
            found["refresh_token"] = secrets.token_urlsafe(8)
            self.refresh_tokens.append(found["refresh_token"])
        return {**found, "id_token": self.token(**{**claims, **self.claims})}

    def document(self, path: str) -> dict[str, Any] | None:
        """Return what everybody may read."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        if path != "/keys":
            return None
        numbers = self.key.public_key().public_numbers()
        words = {"n": _number(numbers.n), "e": _number(numbers.e)}
        return {"keys": [{"kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig", **words}]}


@contextlib.contextmanager
def identity_provider(directory: Path) -> Iterator[IdentityProvider]:
    """Serve on loopback until the end of the block; ``directory`` is where its certificate goes."""
    write_certificate(directory)
    server = _Server(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    found = IdentityProvider(f"https://127.0.0.1:{server.server_port}", directory / "tls.crt")
    server.provider = found
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: IdentityProvider

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: browsers open connections that they do not use, and leave."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    @property
    def _provider(self) -> IdentityProvider:
        return self.server.provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/auth":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.send_response(302)
            self.send_header("Location", self._provider.redirected(query))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        document = self._provider.document(parts.path)
        # As providers do, it lets every page read what everybody may read
        self._answer(404 if document is None else 200, document or {}, "*")

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = {name: values[0] for name, values in parse_qs(text).items()}
        origin = self.headers.get("Origin", "")
        self._answer(*self._provider.answer(form), origin if origin in self._provider.allowed_origins else "")

    def _answer(self, status: int, body: Mapping[str, Any], origin: str) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if origin:
            self.send_header("Access-Control-Allow-Origin", origin)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def unsigned(token: str) -> str:
    """Return the token without its signature, as one that says it needs none."""
    return f"{_encoded({'alg': 'none'})}.{token.split('.')[1]}."


def decoded(text: str) -> bytes:
    """Return the bytes of a part of a token."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encoded(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _number(value: int) -> str:
    return _base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
