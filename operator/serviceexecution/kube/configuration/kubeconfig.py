"""Reads kubeconfig files as kubectl does: merged in the order of $KUBECONFIG, the first one to name a thing wins.

Of our own because the official package takes two seconds to import, longer than most commands of ``sx`` take, and tens
of megabytes in each process.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import yaml

from serviceexecution.contract.json_types import JsonObject, object_of, objects_of
from serviceexecution.kube.errors import KubeconfigError

_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A program that gives credentials (client.authentication.k8s.io)."""

    api_version: str
    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    provide_cluster_info: bool
    install_hint: str


@dataclass(frozen=True, slots=True)
class ClusterEntry:
    """Where an API server is and how it is recognised."""

    server: str
    ca: str | None = None
    """PEM; None means the machine's own authorities."""
    insecure: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None


@dataclass(frozen=True, slots=True)
class UserEntry:
    """Who calls. At most one of token, token_file, exec_plugin and certificate is used, in this order."""

    token: str | None = None
    token_file: Path | None = None
    certificate: str | None = None
    """PEM of the client certificate."""
    key: str | None = None
    """PEM of its key."""
    exec_plugin: ExecPlugin | None = None
    impersonation: tuple[tuple[str, str], ...] = ()
    """Headers that make the API server take the caller for another one."""


@dataclass(frozen=True, slots=True)
class KubeContext:
    """One context with all that it names."""

    name: str
    namespace: str
    cluster: ClusterEntry
    user: UserEntry


def load_context(name: str | None = None, *, environment: Mapping[str, str] = os.environ) -> KubeContext:
    """Return a context, the current one by default; inside a pod without a kubeconfig that of its ServiceAccount.

    Raises KubeconfigError that names what is missing.
    """
    files = kubeconfig_files(environment)
    documents = [(path, _read(path)) for path in files if path.is_file()]
    if not documents:
        in_cluster = None if name else pod_context(environment)
        if in_cluster is not None:
            return in_cluster
        shown = os.pathsep.join(str(path) for path in files)
        raise KubeconfigError(f"There is no kubeconfig at {shown}; name one with KUBECONFIG.")
    chosen = name or next((text for _, doc in documents if (text := _text(doc, "current-context"))), None)
    if not chosen:
        raise KubeconfigError(
            "The kubeconfig has no current context; choose one with kubectl config use-context."
        )
    found = _entry(documents, "contexts", "context", chosen)
    if found is None:
        raise KubeconfigError(
            f"The kubeconfig has no context {chosen}; see them with: kubectl config get-contexts"
        )
    context = found[1]
    return KubeContext(
        name=chosen,
        namespace=_text(context, "namespace") or "default",
        cluster=_cluster(documents, _text(context, "cluster"), chosen),
        user=_user(documents, _text(context, "user")),
    )


def kubeconfig_files(environment: Mapping[str, str]) -> list[Path]:
    """Return the files that $KUBECONFIG names, else the one in the home directory; not all of them need exist."""
    named = [Path(part).expanduser() for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    return named or [Path.home() / ".kube" / "config"]


def context_names(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of all contexts, for shell completion; none when nothing can be read."""
    names: list[str] = []
    for path in kubeconfig_files(environment):
        try:
            entries = _read(path).get("contexts") if path.is_file() else None
        except KubeconfigError:
            continue
        names += [str(entry.get("name")) for entry in objects_of(entries) if entry.get("name") not in names]
    return names


def _read(path: Path) -> JsonObject:
    try:
        document = yaml.load(path.read_bytes(), _LOADER)  # noqa: S506 - a safe loader, in C where there is one
    except (OSError, yaml.YAMLError) as error:
        raise KubeconfigError(f"The kubeconfig {path} cannot be read: {error}") from None
    if document is not None and not isinstance(document, dict):
        raise KubeconfigError(f"{path} is no kubeconfig.")
    return document or {}


def _entry(
    documents: list[tuple[Path, JsonObject]], plural: str, singular: str, name: str
) -> tuple[Path, JsonObject] | None:
    """Return the first entry of that name and the folder that its paths are relative to."""
    for path, document in documents:
        for entry in objects_of(document.get(plural)):
            if entry.get("name") == name:
                value = entry.get(singular)
                return path.resolve().parent, object_of(value)
    return None


def _cluster(documents: list[tuple[Path, JsonObject]], name: str, context: str) -> ClusterEntry:
    found = _entry(documents, "clusters", "cluster", name)
    server = _text(found[1], "server") if found is not None else ""
    if found is None or not server.startswith(("https://", "http://")):
        raise KubeconfigError(f"The kubeconfig's context {context} names no cluster with a server.")
    folder, entry = found
    return ClusterEntry(
        server=server.rstrip("/"),
        ca=_pem(entry, "certificate-authority", folder),
        insecure=entry.get("insecure-skip-tls-verify") is True,
        tls_server_name=_text(entry, "tls-server-name") or None,
        proxy_url=_text(entry, "proxy-url") or None,
    )


def _user(documents: list[tuple[Path, JsonObject]], name: str) -> UserEntry:
    found = _entry(documents, "users", "user", name)
    if found is None:
        return UserEntry()
    folder, entry = found
    token_file = _text(entry, "tokenFile")
    return UserEntry(
        token=_text(entry, "token") or _oidc_token(entry) or None,
        token_file=folder / token_file if token_file else None,
        certificate=_pem(entry, "client-certificate", folder),
        key=_pem(entry, "client-key", folder),
        exec_plugin=_exec_plugin(entry.get("exec"), folder),
        impersonation=_impersonation(entry),
    )


def _impersonation(entry: JsonObject) -> tuple[tuple[str, str], ...]:
    """Return the headers of a user who acts as another one; without them sx would act with more rights than asked."""
    headers = [("Impersonate-User", _text(entry, "as")), ("Impersonate-Uid", _text(entry, "as-uid"))]
    groups = entry.get("as-groups")
    headers += [("Impersonate-Group", str(group)) for group in (groups if isinstance(groups, list) else [])]
    extra = entry.get("as-user-extra")
    for name, values in object_of(extra).items():
        found = values if isinstance(values, list) else []
        headers += [(f"Impersonate-Extra-{quote(str(name), safe='')}", str(value)) for value in found]
    return tuple((name, value) for name, value in headers if value)


def _oidc_token(entry: JsonObject) -> str:
    provider = entry.get("auth-provider")
    return _text(object_of(object_of(provider).get("config")), "id-token")


def _exec_plugin(value: object, folder: Path) -> ExecPlugin | None:
    if not isinstance(value, dict):
        return None
    command = _text(value, "command")
    if "/" in command:  # a bare name is looked up in PATH, a path is relative to the file that holds it
        command = str(folder / command)
    args = value.get("args")
    return ExecPlugin(
        api_version=_text(value, "apiVersion"),
        command=command,
        args=tuple(str(arg) for arg in args) if isinstance(args, list) else (),
        env={_text(pair, "name"): _text(pair, "value") for pair in objects_of(value.get("env"))},
        provide_cluster_info=value.get("provideClusterInfo") is True,
        install_hint=_text(value, "installHint"),
    )


def pod_context(environment: Mapping[str, str]) -> KubeContext | None:
    """Return the context of the pod's ServiceAccount, None outside a pod and in one without an account.

    Raises KubeconfigError when the account's token or the cluster's authority is missing or empty.
    """
    host = environment.get("KUBERNETES_SERVICE_HOST")
    token_file = _ACCOUNT / "token"
    if not host or not token_file.is_file():
        return None
    _account_text(token_file)
    shown = f"[{host}]" if ":" in host else host
    server = f"https://{shown}:{environment.get('KUBERNETES_SERVICE_PORT') or 443}"
    namespace = _ACCOUNT / "namespace"
    return KubeContext(
        name="in-cluster",
        namespace=namespace.read_text().strip() if namespace.is_file() else "default",
        cluster=ClusterEntry(server, ca=_account_text(_ACCOUNT / "ca.crt")),
        user=UserEntry(token_file=token_file),
    )


def _account_text(path: Path) -> str:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"The ServiceAccount's file {path} cannot be read: {error}") from None
    if not text.strip():
        raise KubeconfigError(f"The ServiceAccount's file {path} is empty.")
    return text


def _pem(entry: JsonObject, name: str, folder: Path) -> str | None:
    data = _text(entry, f"{name}-data")
    try:
        if data:
            return base64.b64decode(data).decode()
        path = _text(entry, name)
        return (folder / path).read_text() if path else None
    except (binascii.Error, UnicodeDecodeError, OSError) as error:
        raise KubeconfigError(f"The kubeconfig's {name} cannot be read: {error}") from None


def _text(entry: Mapping[str, object], name: str) -> str:
    value = entry.get(name)
    return "" if value is None else str(value)
