"""Where the API server is and how to speak to it: as a pod's ServiceAccount, else as a kubeconfig says."""

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from serviceexecution.kube.configuration.credentials import Credentials
from serviceexecution.kube.configuration.kubeconfig import (
    ClusterEntry,
    KubeContext,
    kubeconfig_files,
    load_context,
    pod_context,
)
from serviceexecution.kube.configuration.tls import tls_context
from serviceexecution.kube.errors import KubeconfigError, KubernetesError


@dataclass(frozen=True, slots=True)
class ApiServer:
    """One API server and our credentials for it; those that expire are kept fresh inside."""

    cluster: ClusterEntry
    ssl_context: ssl.SSLContext | None
    """None for plain HTTP."""
    credentials: Credentials
    impersonation: tuple[tuple[str, str], ...] = ()
    """Headers that make the API server take us for somebody else."""
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def authorization(self) -> str | None:
        """Return the Authorization header, or None with client certificates.

        A ServiceAccount's token is read again from its file when a minute has passed. Raises KubernetesError,
        which is retriable, when there is no token now.
        """
        try:
            if (
                self.credentials.asks_plugin
            ):  # A program that may take seconds: once for all, and not in the loop.
                async with self._asking:
                    token = (await asyncio.to_thread(self.credentials.current)).token
            else:
                token = self.credentials.current().token
        except KubeconfigError as error:
            raise KubernetesError(str(error)) from error
        return f"Bearer {token}" if token else None


async def find_api_server(
    environment: Mapping[str, str] = os.environ, *, clock: Callable[[], float] = time.time
) -> ApiServer:
    """Read the ServiceAccount of the pod that we run in, else the kubeconfig ($KUBECONFIG, ~/.kube/config).

    Raises KubernetesError, with a sentence that names what is missing, when there is neither.
    """
    try:
        context = _context(environment)
        credentials = Credentials(context, clock=clock)
        credential = await asyncio.to_thread(credentials.current)
        secure = context.cluster.server.startswith("https://")
        return ApiServer(
            cluster=context.cluster,
            ssl_context=tls_context(context.cluster, credential) if secure else None,
            credentials=credentials,
            impersonation=context.user.impersonation,
        )
    except KubeconfigError as error:
        raise KubernetesError(f"no usable Kubernetes configuration: {error}") from error


def _context(environment: Mapping[str, str]) -> KubeContext:
    context = pod_context(environment)
    if context is not None:
        return context
    files = kubeconfig_files(environment)
    if not any(path.is_file() for path in files):
        shown = os.pathsep.join(str(path) for path in files)
        raise KubernetesError(f"not in a pod with a ServiceAccount, and there is no kubeconfig at {shown}")
    return load_context(environment=environment)
