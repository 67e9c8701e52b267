"""An HTTP client for one API server: TLS as the kubeconfig says, the Authorization header kept fresh."""

import ssl
import tempfile
from collections.abc import Generator
from typing import Final

import httpx
from typing_extensions import override

from serviceexecution.kube.credentials import Credential, Credentials
from serviceexecution.kube.errors import KubeconfigError
from serviceexecution.kube.kubeconfig import ClusterEntry, KubeContext

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)


def connect(context: KubeContext, credentials: Credentials) -> httpx.Client:
    """Return a client whose paths are the API server's; raises KubeconfigError for credentials that cannot be used."""
    server = context.cluster.server
    return httpx.Client(
        base_url=server,
        # the machine's authorities take a third of a second to read
        verify=_tls(context.cluster, credentials.current()) if server.startswith("https://") else False,
        auth=_ServerAuth(context, credentials),
        proxy=context.cluster.proxy_url,
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


def _tls(cluster: ClusterEntry, credential: Credential) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=cluster.ca)
        # as kubectl: certificates of many clusters lack what the strict mode asks for, a default from Python 3.13 on
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if cluster.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if credential.certificate:
            _load_certificate(context, credential)
    except (ssl.SSLError, ValueError) as error:
        raise KubeconfigError(f"The kubeconfig's certificates cannot be used: {error}") from None
    return context


def _load_certificate(context: ssl.SSLContext, credential: Credential) -> None:
    # Python reads a key from a file alone; this one is readable by us alone and gone at once
    with tempfile.NamedTemporaryFile("w", prefix="sx-", suffix=".pem") as file:
        file.write(f"{credential.certificate}\n{credential.key or ''}\n")
        file.flush()
        context.load_cert_chain(file.name)
