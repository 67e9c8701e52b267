"""HTTP below the Kubernetes client: sessions, credentials, rate limit, errors, metrics."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urlencode

import aiohttp
import yarl

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.answers import encode_json, error_of_answer, read_object
from serviceexecution.kube.configuration.api_server import ApiServer
from serviceexecution.kube.configuration.proxy import environment_proxy
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.metrics import REQUEST_SECONDS, REQUESTS
from serviceexecution.kube.rate_limit import TokenBucket
from serviceexecution.kube.server_clock import ServerClock

REQUEST_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, sock_connect=10)
MAX_CONNECTIONS: Final = 32
"""For plain requests: more would only cost TLS handshakes. Streams have connections of their own. So many requests are
under way at once: who waits for a connection would wait in no order of payers."""
ATTEMPTS_WHEN_THROTTLED: Final = 4
READ_BUFFER_BYTES: Final = 2**18
VERBS_RETRIED_WHEN_THROTTLED: Final = frozenset({"get", "list", "watch", "log", "patch", "delete"})
"""Never create: whether a create is repeated is for its caller to decide."""


WRITES: Final = frozenset({"create", "patch", "delete"})


class AnswerTooLargeError(Exception):
    """The answer has more bytes than the caller takes at once: ask for less."""


class Transport:
    """Sends requests to one API server. Knows nothing about kinds of objects."""

    def __init__(
        self,
        server: ApiServer,
        *,
        user_agent: str,
        qps: float,
        burst: int,
        clock: ServerClock | None = None,
        may_write: Callable[[], bool] | None = None,
    ) -> None:
        """``clock`` is put right by the answers; ``may_write`` is asked right before each write is sent."""
        self._clock = clock or ServerClock()
        self._may_write = may_write
        self._server = server
        self._bucket = TokenBucket(qps=qps, burst=burst, in_flight=MAX_CONNECTIONS)
        self._requests = _session(server, user_agent, connections=MAX_CONNECTIONS)
        self._streams = _session(server, user_agent, connections=0)

    async def close(self) -> None:
        """Close all connections, and with them all streams."""
        await self._requests.close()
        await self._streams.close()

    async def request(
        self,
        verb: str,
        path: str,
        *,
        resource: str,
        method: str = "GET",
        params: Mapping[str, str] | None = None,
        body: JsonObject | list[JsonObject] | None = None,
        content_type: str = "application/json",
        accept: str | None = None,
    ) -> JsonObject:
        """Send one request and return the JSON object of the answer.

        Raises KubernetesError or one of its kinds. A 429 is repeated after the pause that the API server
        asks for, except for creates.
        """
        return await read_object(
            await self.read(
                verb,
                path,
                resource=resource,
                method=method,
                params=params,
                body=body,
                content_type=content_type,
                accept=accept,
            )
        )

    async def read(
        self,
        verb: str,
        path: str,
        *,
        resource: str,
        method: str = "GET",
        params: Mapping[str, str] | None = None,
        body: JsonObject | list[JsonObject] | None = None,
        content_type: str = "application/json",
        accept: str | None = None,
        max_bytes: int | None = None,
    ) -> bytes:
        """Send one request as ``request`` does and return the answer's bytes.

        Raises AnswerTooLargeError as soon as there are more than ``max_bytes``; the rest is not read.
        """
        headers = {} if body is None else {"Content-Type": content_type}
        if accept is not None:
            headers["Accept"] = accept
        data = None if body is None else encode_json(body)
        async with self._open(
            self._requests,
            verb,
            path,
            resource=resource,
            method=method,
            params=params,
            headers=headers,
            data=data,
            limits=REQUEST_TIMEOUT,
        ) as response:
            with _translated_errors():
                return await _body(response, max_bytes)

    @contextlib.asynccontextmanager
    async def stream(
        self, verb: str, path: str, *, resource: str, params: Mapping[str, str], idle_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a stream without an end in time; its chunks come as they arrive.

        Raises KubernetesError when it cannot be opened, breaks, or nothing came for ``idle_seconds``.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=idle_seconds)
        headers = {"Accept-Encoding": "identity"}  # Compressed streams are flushed late
        async with self._open(
            self._streams,
            verb,
            path,
            resource=resource,
            method="GET",
            params=params,
            headers=headers,
            data=None,
            limits=timeout,
        ) as response:
            yield _chunks(response)

    @contextlib.asynccontextmanager
    async def _open(
        self,
        session: aiohttp.ClientSession,
        verb: str,
        path: str,
        *,
        resource: str,
        method: str,
        params: Mapping[str, str] | None,
        headers: dict[str, str],
        data: bytes | None,
        limits: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        attempts = ATTEMPTS_WHEN_THROTTLED if verb in VERBS_RETRIED_WHEN_THROTTLED else 1
        while True:
            attempts -= 1
            turn = await self._bucket.acquire()
            if session is self._streams:
                turn.release()  # It has a connection of its own, for hours
            async with contextlib.AsyncExitStack() as stack:
                stack.callback(turn.release)
                await self._authorize(verb, headers)
                code = 0
                sent = self._clock.local()
                started = asyncio.get_running_loop().time()
                try:
                    with _translated_errors():
                        response = await stack.enter_async_context(
                            session.request(
                                method,
                                _url(self._server.cluster.server, path, params),
                                headers=headers,
                                data=data,
                                timeout=limits,
                                allow_redirects=False,
                                server_hostname=self._server.cluster.tls_server_name,
                            )
                        )
                        code = response.status
                        self._clock.note(response.headers.get("Date"), sent)
                        text = b"" if code < 300 else await response.read()
                finally:
                    REQUESTS.labels(verb, resource, str(code)).inc()
                if code < 300:
                    REQUEST_SECONDS.labels(verb).observe(asyncio.get_running_loop().time() - started)
                    yield response
                    return
            retry_after = response.headers.get("Retry-After")
            if code == 429:
                # The pause is for the whole client: its other requests would meet the same answer.
                seconds = error_of_answer(code, text, retry_after).retry_after
                self._bucket.pause(1.0 if seconds is None else seconds)
            if code != 429 or attempts <= 0:
                # Kept by no name: its traceback keeps this frame, and all of it would wait for a search for cycles
                raise error_of_answer(code, text, retry_after)

    async def _authorize(self, verb: str, headers: dict[str, str]) -> None:
        """Add the credentials of now. Raises KubernetesError for a write of one who may not be leading any more."""
        with _translated_errors():
            authorization = await self._server.authorization()
        if authorization is not None:
            headers["Authorization"] = authorization
        if verb in WRITES and self._may_write is not None and not self._may_write():
            message = "another controller may be leading by now: nothing is written"
            raise KubernetesError(message)


def _url(host: str, path: str, params: Mapping[str, str] | None) -> yarl.URL:
    """Return the URL that is sent as it stands: nothing in ``path`` is resolved or quoted a second time."""
    query = f"?{urlencode(params)}" if params else ""
    return yarl.URL(f"{host}{path}{query}", encoded=True)


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        message = "the API server did not answer in time"
        raise KubernetesError(message) from error
    except (aiohttp.ClientError, OSError) as error:
        message = f"the connection to the API server failed: {error}"
        raise KubernetesError(message) from error


async def _body(response: aiohttp.ClientResponse, max_bytes: int | None) -> bytes:
    if max_bytes is None:
        return await response.read()
    parts: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > max_bytes:
            raise AnswerTooLargeError(max_bytes)
        parts.append(chunk)
    return b"".join(parts)


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    with _translated_errors():
        async for chunk in response.content.iter_any():
            yield chunk


def _session(server: ApiServer, user_agent: str, *, connections: int) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        ssl=server.ssl_context or True,
        limit=connections,
        keepalive_timeout=60,
        socket_factory=_keepalive_socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers=[("User-Agent", user_agent), ("Accept", "application/json"), *server.impersonation],
        read_bufsize=READ_BUFFER_BYTES,
        cookie_jar=aiohttp.DummyCookieJar(),
        # Not trust_env: before each request aiohttp would ask a thread for the proxy, and another for a password in
        # ~/.netrc, and fail where there is one, since our requests have credentials of their own.
        proxy=server.cluster.proxy_url or environment_proxy(server.cluster.server),
    )


def _keepalive_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Notice within about a minute that a peer vanished, on streams that are silent for hours too."""
    family, kind, protocol, _, _ = address
    connection = socket.socket(family=family, type=kind, proto=protocol)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):  # Not on every operating system
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return connection
