"""Credentials for the API server, kept fresh in memory: tokens from a file or a plugin expire."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.configuration.kubeconfig import ExecPlugin, KubeContext
from serviceexecution.kube.errors import KubeconfigError

_FILE_SECONDS: Final = 60.0
_EARLY_SECONDS: Final = 30.0
"""A credential that ends so soon is asked for again."""
_DEFAULT_VERSION: Final = "client.authentication.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Credential:
    """What to show the API server: a token or a client certificate, until ``expires`` (seconds since the epoch)."""

    token: str | None = None
    certificate: str | None = None
    key: str | None = None
    expires: float = float("inf")


class Credentials:
    """State owner of a context's current credential."""

    def __init__(self, context: KubeContext, *, clock: Callable[[], float] = time.time) -> None:
        self._context = context
        self._clock = clock
        self._current: Credential | None = None

    @property
    def impersonates(self) -> bool:
        """Tell whether the kubeconfig's user acts as another one."""
        return bool(self._context.user.impersonation)

    @property
    def asks_plugin(self) -> bool:
        """Tell whether credentials come from a program, which takes its time."""
        user = self._context.user
        return user.exec_plugin is not None and not user.token and user.token_file is None

    def current(self) -> Credential:
        """Return what is valid now; raises KubeconfigError when a plugin gives nothing."""
        if self._current is None or self._current.expires - _EARLY_SECONDS <= self._clock():
            self._current = self._find()
        return self._current

    def _find(self) -> Credential:
        user = self._context.user
        if user.token:
            return Credential(token=user.token)
        if user.token_file is not None:
            try:
                token = user.token_file.read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise KubeconfigError(f"The token file {user.token_file} cannot be read: {error}") from None
            if not token:
                raise KubeconfigError(f"The token file {user.token_file} is empty.")
            return Credential(token=token, expires=self._clock() + _EARLY_SECONDS + _FILE_SECONDS)
        if user.exec_plugin is not None:
            return _run(user.exec_plugin, self._context)
        return Credential(certificate=user.certificate, key=user.key)


def exec_info(plugin: ExecPlugin, context: KubeContext, *, interactive: bool) -> JsonObject:
    """Return what a plugin finds in KUBERNETES_EXEC_INFO."""
    spec: JsonObject = {"interactive": interactive}
    if plugin.provide_cluster_info:
        cluster = context.cluster
        entry: JsonObject = {"server": cluster.server}
        if cluster.tls_server_name:
            entry["tls-server-name"] = cluster.tls_server_name
        if cluster.ca:
            entry["certificate-authority-data"] = base64.b64encode(cluster.ca.encode()).decode()
        if cluster.insecure:
            entry["insecure-skip-tls-verify"] = True
        spec["cluster"] = entry
    return {"apiVersion": plugin.api_version or _DEFAULT_VERSION, "kind": "ExecCredential", "spec": spec}


def credential_of(answer: str, command: str) -> Credential:
    """Return the credential that a plugin printed; raises KubeconfigError."""
    try:
        document = json.loads(answer)
        status = document["status"]
        token, certificate = status.get("token"), status.get("clientCertificateData")
        expiry = status.get("expirationTimestamp")
        expires = datetime.fromisoformat(expiry).timestamp() if expiry else float("inf")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise KubeconfigError(
            f"The kubeconfig's credential plugin {command} printed no ExecCredential."
        ) from None
    if not token and not certificate:
        raise KubeconfigError(f"The kubeconfig's credential plugin {command} gave no credential.")
    return Credential(token or None, certificate or None, status.get("clientKeyData") or None, expires)


def _run(plugin: ExecPlugin, context: KubeContext) -> Credential:
    interactive = sys.stdin.isatty()
    info = json.dumps(exec_info(plugin, context, interactive=interactive))
    environment: Mapping[str, str] = {**os.environ, **plugin.env, "KUBERNETES_EXEC_INFO": info}
    try:
        done = subprocess.run(
            [plugin.command, *plugin.args],
            env=environment,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    except OSError as error:
        hint = f" {plugin.install_hint.strip()}" if plugin.install_hint else ""
        raise KubeconfigError(
            f"The kubeconfig's credential plugin {plugin.command} cannot be started: {error.strerror}.{hint}"
        ) from None
    if done.returncode:
        raise KubeconfigError(
            f"The kubeconfig's credential plugin {plugin.command} ended with exit code {done.returncode}."
        )
    return credential_of(done.stdout, plugin.command)
