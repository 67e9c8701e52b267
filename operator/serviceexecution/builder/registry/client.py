"""A registry, asked by the builder itself: for what the tools do not tell. Knows no more of the protocol than that."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

from serviceexecution.builder.registry.configuration import RegistryAccess
from serviceexecution.builder.request import Registry

_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 30.0
_TRIAL_BYTES: Final = 1024 * 1024
_LONGEST: Final = 4 * 1024 * 1024
_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')
_MANIFESTS: Final = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, text and headers (names in lower case) of an answer."""

    status: int
    text: str
    headers: Mapping[str, str]


def registry_access(registry: Registry) -> RegistryAccess:
    """Return the registry's settings with what its insecure hosts speak."""
    return RegistryAccess(registry, {host: not speaks_tls(host) for host in registry.insecure})


def speaks_tls(host: str) -> bool:
    """Tell whether ``host`` (host:port, or host for port 443) answers TLS; False when it does not answer at all."""
    address = _address(host, 443)
    try:
        with (
            socket.create_connection(address, timeout=_SECONDS) as connection,
            _unverified().wrap_socket(connection, server_hostname=address[0]),
        ):
            return True
    except OSError:
        return False


class RegistryClient:
    """The registry of one image. Logs in by Basic, or by a token that Basic is exchanged for."""

    def __init__(self, image: str, access: RegistryAccess, login: Path | None, ca_file: Path | None) -> None:
        self._host, _, rest = image.partition("/")
        self._repository = rest.rpartition(":")[0] or rest
        self._access = access
        self._ca_file = ca_file
        self._basic = _basic(self._host, login)
        self._authorization = self._basic

    def manifest(self, digest: str) -> str:
        """Return the manifest's text, empty when the registry does not give it."""
        try:
            answer = self._ask("GET", f"/v2/{self._repository}/manifests/{digest}", {"Accept": _MANIFESTS})
        except (OSError, http.client.HTTPException, ValueError):
            return ""
        return answer.text if answer.status == 200 else ""

    def trial_upload(self) -> str:
        """Begin an upload, and take it back; returns what the registry says against it, empty where nothing."""
        try:
            return self._trial_upload()
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"{type(error).__name__}: {error}"

    def _trial_upload(self) -> str:
        begun = self._ask("POST", f"/v2/{self._repository}/blobs/uploads/", {}, b"")
        if begun.status != 202:
            return f"{begun.status} {begun.text}"
        typed = {"Content-Type": "application/octet-stream"}
        sent = self._ask("PATCH", _target(begun.headers.get("location", "")), typed, bytes(_TRIAL_BYTES))
        if sent.status != 202:
            return f"{sent.status} {sent.text}"
        self._ask("DELETE", _target(sent.headers.get("location", "")), {})
        return ""

    def _ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        answer = self._request(method, target, headers, body)
        challenge = answer.headers.get("www-authenticate", "")
        if answer.status == 401 and challenge.lower().startswith("bearer "):
            self._authorization = self._token(dict(_PARAMETER.findall(challenge)))
            answer = self._request(method, target, headers, body)
        return answer

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        connection = _connection(self._host, self._access.plain_http.get(self._host), self._ca_file)
        return _answer(connection, method, target, {**headers, **self._authorization}, body)

    def _token(self, challenge: Mapping[str, str]) -> dict[str, str]:
        url = urlsplit(challenge.get("realm", ""))
        asked = {name: challenge[name] for name in ("service", "scope") if name in challenge}
        connection = _connection(url.netloc, True if url.scheme == "http" else None, self._ca_file)
        answer = _answer(connection, "GET", f"{url.path}?{urlencode(asked)}", self._basic, None)
        fields: object = json.loads(answer.text) if answer.status == 200 else {}
        token = fields.get("token") or fields.get("access_token") if isinstance(fields, dict) else None
        return {"Authorization": f"Bearer {token}"} if isinstance(token, str) else {}


def _answer(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes | None,
) -> Answer:
    try:
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        text = response.read(_LONGEST).decode("utf-8", "replace")
        return Answer(response.status, text, {name.lower(): value for name, value in response.getheaders()})
    finally:
        connection.close()


def _connection(host: str, plain_http: bool | None, ca_file: Path | None) -> http.client.HTTPConnection:
    """Return a connection: plain HTTP, TLS unverified (False), or proper TLS (None)."""
    if plain_http:
        return http.client.HTTPConnection(*_address(host, 80), timeout=_ANSWER_SECONDS)
    verified = plain_http is None
    context = ssl.create_default_context(cafile=ca_file) if verified else _unverified()
    return http.client.HTTPSConnection(*_address(host, 443), timeout=_ANSWER_SECONDS, context=context)


def _target(location: str) -> str:
    url = urlsplit(location)
    return f"{url.path}?{url.query}" if url.query else url.path


def _address(host: str, port: int) -> tuple[str, int]:
    url = urlsplit(f"//{host}")
    return url.hostname or host, url.port or port


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _basic(host: str, login: Path | None) -> dict[str, str]:
    for registry, fields in logins(login):
        name = registry.removeprefix("https://").removeprefix("http://").partition("/")[0]
        auth = fields.get("auth")
        if name == host and isinstance(auth, str):
            return {"Authorization": f"Basic {auth}"}
    return {}


def logins(login: Path | None) -> Iterable[tuple[str, dict[str, object]]]:
    """Give registry and fields of each login in a docker config."""
    try:
        value: object = json.loads(login.read_bytes()) if login is not None else {}
    except (OSError, ValueError):
        value = {}
    found = value.get("auths") if isinstance(value, dict) else None
    for registry, fields in (found if isinstance(found, dict) else {}).items():
        if isinstance(registry, str) and isinstance(fields, dict):
            yield registry, fields
