"""Finds the API server and the credentials for it, by means of the official client."""

import asyncio
import contextlib
import logging
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kubernetes.aio import config
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import incluster_config

from serviceexecution.kube.errors import KubernetesError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Where the API server is and how to speak to it; credentials that expire are kept fresh inside."""

    host: str
    """Base URL without a slash at the end, e.g. https://10.96.0.1:443."""
    ssl_context: ssl.SSLContext
    configuration: Configuration
    server_hostname: str | None
    proxy: str | None
    background: set[asyncio.Task[None]] = field(default_factory=set)

    async def authorization(self) -> str | None:
        """Return the Authorization header, or None with client certificates.

        A ServiceAccount's token is read again from its file when a minute has passed.
        """
        value = await self.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return None if value is None else str(value).strip()

    async def close(self) -> None:
        """Stop refreshing credentials."""
        for task in self.background:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def find_api_server(environment: Mapping[str, str] = os.environ) -> ApiServer:
    """Read the in-cluster configuration, else the kubeconfig ($KUBECONFIG, ~/.kube/config).

    Raises KubernetesError, with a sentence that names what is missing, when there is neither.
    """
    configuration = Configuration()
    configuration.retries = None
    background: set[asyncio.Task[None]] = set()
    try:
        if environment.get(incluster_config.SERVICE_HOST_ENV_NAME) and _has_service_account():
            config.load_incluster_config(configuration)
        else:
            background.add(await _load_kubeconfig(configuration, environment))
        # The official client knows how to combine CA, client certificate and the verification switches.
        context = RESTClientObject(configuration).ssl_context
    except (config.ConfigException, OSError, ValueError) as error:
        message = f"no usable Kubernetes configuration: {error}"
        raise KubernetesError(message) from error
    return ApiServer(
        host=str(configuration.host).rstrip("/"),
        ssl_context=context,
        configuration=configuration,
        server_hostname=configuration.tls_server_name or None,
        proxy=configuration.proxy or None,
        background=background,
    )


def _has_service_account() -> bool:
    return Path(incluster_config.SERVICE_TOKEN_FILENAME).is_file()


def _any_is_file(files: str) -> bool:
    return any(Path(name).expanduser().is_file() for name in files.split(os.pathsep) if name)


async def _load_kubeconfig(
    configuration: Configuration, environment: Mapping[str, str]
) -> asyncio.Task[None]:
    files = environment.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    if not _any_is_file(files):
        message = f"not in a pod with a ServiceAccount, and there is no kubeconfig at {files}"
        raise KubernetesError(message)
    loader = await config.load_kube_config(
        config_file=files, client_configuration=configuration, persist_config=False
    )
    return asyncio.create_task(_refresh(loader, configuration), name="kubeconfig-token-refresh")


async def _refresh(loader: config.kube_config.KubeConfigLoader, configuration: Configuration) -> None:
    """Run the kubeconfig's credential plugin again when its token expires; ends when there is none."""
    try:
        await config.refresh_token(loader, client_configuration=configuration)
    except (TypeError, AttributeError) as error:  # a context without a user; a plugin that gives certificates
        logger.debug("credentials of the kubeconfig are not refreshed: %s", error)
