"""A client of the Service API that does not give up: downloads and logs go on where they were cut."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote, unquote, urlencode
from uuid import uuid4

import httpx

from serviceexecution.cli.client.channel import Channel, RefusedError, refusal
from serviceexecution.cli.client.download import download_all
from serviceexecution.cli.client.events import follow_log
from serviceexecution.cli.client.log_entry import LogEntry
from serviceexecution.cli.client.proxies import proxy_for
from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import path_segment

__all__ = ["AccessKeyCredentials", "LogEntry", "ServiceClient", "TokenCredentials", "direct_client"]

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_OWN_LINKS: Final = frozenset({"self", "status"})


@dataclass(frozen=True, slots=True)
class TokenCredentials:
    """A bearer token."""

    token: str

    def bearer(self, _: httpx.Client, __: str) -> str:
        """Return the token."""
        return self.token


@dataclass(frozen=True, slots=True)
class AccessKeyCredentials:
    """An access key, for which the token endpoint gives a token."""

    key_id: str
    secret: str

    def bearer(self, http: httpx.Client, gateway: str) -> str:
        """Return a new token; raises CommandError."""
        answer = http.post(
            f"{gateway}/oauth/token",
            auth=(self.key_id, self.secret),
            data={"grant_type": "client_credentials"},
        )
        if not answer.is_success:
            raise refusal(answer.status_code, answer.content)
        return str(answer.json()["access_token"])


class _DirectCaller:
    """Somebody with a token or an access key: state owner of the current token."""

    def __init__(
        self, credentials: TokenCredentials | AccessKeyCredentials, http: httpx.Client, gateway: str
    ) -> None:
        self._credentials = credentials
        self._http = http
        self._gateway = gateway
        self._token = ""

    def headers(self) -> Mapping[str, str]:
        if not self._token:
            self._token = self._credentials.bearer(self._http, self._gateway)
        return {"Authorization": f"Bearer {self._token}"}

    def forget(self) -> None:
        self._token = ""

    def explain(self, _: RefusedError) -> str:
        return ""


def direct_client(url: str, token: str, key_id: str, key_secret: str) -> "ServiceClient":
    """Return a client of a service by its URL, with a token or an access key; raises CommandError."""
    # Files with variables leave spaces and line ends behind
    url, token, key_id, key_secret = (text.strip() for text in (url, token, key_id, key_secret))
    if not _is_address(url):
        raise CommandError("--url must be a service's URL: https://…/services/NAMESPACE/NAME")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise CommandError("The token (--token, SERVICE_API_TOKEN) has characters that no token has.")
    if token:
        return ServiceClient(url, TokenCredentials(token))
    if not key_id or not key_secret:
        raise CommandError(
            "Give a token (SERVICE_API_TOKEN) or an access key (SERVICE_API_KEY_ID, …_SECRET) with the service's URL."
        )
    return ServiceClient(url, AccessKeyCredentials(key_id, key_secret))


def _is_address(url: str) -> bool:
    """Tell whether something may listen there."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    port = parsed.port
    return parsed.scheme in {"http", "https"} and bool(parsed.host) and (port is None or 0 < port < 65536)


class ServiceClient:
    """One service. Raises CommandError with the service's own sentence, httpx.HTTPError when it cannot be reached."""

    def __init__(
        self, url: str, credentials: TokenCredentials | AccessKeyCredentials, *, pause: float = 0.5
    ) -> None:
        """``pause`` is the first wait in seconds before a cut transfer is taken up again."""
        http = httpx.Client(
            timeout=60,
            headers={"Accept-Encoding": "identity"},
            follow_redirects=False,
            proxy=proxy_for(url),
            verify=httpx.create_ssl_context(),  # With the certificates that SSL_CERT_FILE names
            trust_env=False,
        )
        base = url.rstrip("/")
        caller = _DirectCaller(credentials, http, base.partition("/services/")[0])
        self._channel = Channel(base, http, caller, pause)

    @classmethod
    def over(cls, channel: Channel) -> Self:
        """Return a client of the service whose URL a channel has; the channel's client stays its maker's to close."""
        client = cls.__new__(cls)
        client._channel = channel  # noqa: SLF001 - our own
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.http.close()

    def submit(self, body: bytes, *, key: str = "") -> str:
        """Start an execution and return its id. A cut connection starts no second one, nor does the same ``key``."""
        return self._started("", body, key)

    def rerun(self, execution: str, body: bytes) -> str:
        """Run an execution again and return the new one's id. A cut connection starts no second one."""
        return self._started(f"{_place(execution)}/rerun", body)

    def _started(self, place: str, body: bytes, key: str = "") -> str:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or str(uuid4())}
        found = str(self._channel.request("POST", place, headers=headers, content=body).json()["id"])
        if not _ID.fullmatch(found):  # It becomes part of commands that people copy
            raise CommandError(f"The service answered with an invalid id: {found[:100]!r}.")
        return found

    def status(self, execution: str) -> JsonObject:
        """Return the execution as the service shows it."""
        answer: JsonObject = self._channel.request("GET", _place(execution)).json()
        return answer

    def usage(self, month: str) -> JsonObject:
        """Return what the service has used, in that month or by month."""
        query = f"?{urlencode({'month': month})}" if month else ""
        answer: JsonObject = self._channel.request("GET", f"/usage{query}").json()
        return answer

    def result_text(self, execution: str) -> str:
        """Return the result's document as JSON text; raises RefusedError with 404 while it is not there."""
        return self._channel.request("GET", f"{_place(execution)}/result").text

    def files(self, execution: str) -> dict[str, str]:
        """Return path → URL path below the execution of each output file."""
        found: dict[str, str] = {}
        marker = f"{_place(execution)}/result/"
        for name, link in json.loads(self.result_text(execution))["_links"].items():
            href = str(link["href"])
            if name not in _OWN_LINKS and marker in href:
                path = unquote(href.partition(marker)[2])
                found[path] = f"{marker}{quote(path)}"  # As we write it: a link may hold anything
        return found

    def file_text(self, url_path: str) -> str:
        """Return the content of a file that ``files`` has named, as text."""
        return self._channel.request("GET", url_path).content.decode(errors="replace")

    def download_all(self, execution: str, directory: Path) -> Iterator[tuple[str, int]]:
        """Fetch every output file into ``directory``; give each one's path and size when it is there."""
        return download_all(self._channel, self.files(execution), directory)

    def log(self, execution: str, attempt: int = 0) -> Iterator[LogEntry]:
        """Give the lines so far, of that attempt or of the last one."""
        query = f"?attempt={attempt}" if attempt else ""
        yield from self._channel.request("GET", f"{_place(execution)}/log{query}").json()

    def follow_log(self, execution: str, attempt: int = 0) -> Iterator[LogEntry]:
        """Give every line until the log ends, over as many connections as that takes."""
        return follow_log(self._channel, f"{_place(execution)}/log", attempt=attempt)


def _place(execution: str) -> str:
    """Return an execution's path below its service; raises ImpossibleNameError for what can be no id."""
    return f"/{path_segment(execution)}"
