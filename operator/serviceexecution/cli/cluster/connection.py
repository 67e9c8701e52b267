"""An HTTP client for one API server: TLS as the kubeconfig says, the Authorization header kept fresh."""

from collections.abc import Generator
from typing import Final

import httpx
from typing_extensions import override

from serviceexecution.cli.client.proxies import proxy_for
from serviceexecution.kube.configuration.credentials import Credentials
from serviceexecution.kube.configuration.kubeconfig import KubeContext
from serviceexecution.kube.configuration.tls import tls_context

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)


def connect(context: KubeContext, credentials: Credentials) -> httpx.Client:
    """Return a client whose paths are the API server's.

    Raises KubeconfigError for credentials that cannot be used, CommandError for a proxy that cannot.
    """
    server = context.cluster.server
    return httpx.Client(
        base_url=server,
        # The machine's authorities take a third of a second to read
        verify=tls_context(context.cluster, credentials.current())
        if server.startswith("https://")
        else False,
        auth=_ServerAuth(context, credentials),
        proxy=context.cluster.proxy_url or proxy_for(server),
        trust_env=False,
        timeout=TIMEOUT,
        headers={"User-Agent": "sx", "Accept-Encoding": "identity"},
        follow_redirects=False,
    )


class _ServerAuth(httpx.Auth):
    """Puts the current token and the server's TLS name to each request."""

    def __init__(self, context: KubeContext, credentials: Credentials) -> None:
        self._cluster = context.cluster
        self._impersonation = context.user.impersonation
        self._credentials = credentials

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = self._credentials.current().token
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        if self._impersonation:
            request.headers = httpx.Headers([*request.headers.multi_items(), *self._impersonation])
        if self._cluster.tls_server_name:
            request.extensions["sni_hostname"] = self._cluster.tls_server_name
        yield request
