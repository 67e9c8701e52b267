"""The token that the gateway gets. The API server's proxy keeps ``Authorization`` for itself, so it has its own header.

A kubeconfig with a token of its own: that one. With a client certificate: a short-lived token of the ServiceAccount
``sx-cli`` of the namespace, which is made on first use. Nothing is written to disk.
"""

import contextlib
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from serviceexecution.cli.cluster.api import ApiError, ClusterApi
from serviceexecution.cli.cluster.credentials import Credentials
from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_ACCOUNTS, SUBJECT_ACCESS_REVIEWS, ResourceKind
from serviceexecution.kube.reviews import access_review, account_identity, is_allowed
from serviceexecution.kube.token_requests import token_of_request, token_request
from serviceexecution.resources.names import API_GROUP, LABEL_MANAGED_BY, MANAGED_BY, PLURAL

TOKEN_HEADER: Final = "X-ServiceExecution-Authorization"  # noqa: S105 - a header's name
AUDIENCE: Final = f"services.{API_GROUP}"
ACCOUNT: Final = "sx-cli"
ROLE_LABEL: Final = f"{API_GROUP}/role"
ROLES: Final = ("develop", "submit")
"""Roles of clients by their label, the first that is installed counts."""
_SECONDS: Final = 3600
_EARLY_SECONDS: Final = 120.0
_EFFECTIVE_SECONDS: Final = 10.0
_RBAC: Final = "rbac.authorization.k8s.io"
_CLUSTER_ROLES: Final = ResourceKind(_RBAC, "v1", "clusterroles")
_ROLE_BINDINGS: Final = ResourceKind(_RBAC, "v1", "rolebindings")


class GatewayToken:
    """State owner of the token for the gateway, for one namespace."""

    def __init__(
        self,
        api: ClusterApi,
        credentials: Credentials,
        namespace: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._credentials = credentials
        self._namespace = namespace
        self._clock = clock
        self._token = ""
        self._expires = 0.0

    def headers(self) -> dict[str, str]:
        """Return the header with a token that is valid now; raises CommandError, ApiError."""
        own = self._credentials.current().token
        if own is None and self._expires - _EARLY_SECONDS <= self._clock():
            token, expires = self._request()
            self._token, self._expires = token, expires.timestamp()
        return {TOKEN_HEADER: f"Bearer {own or self._token}"}

    def forget(self) -> None:
        """Ask for a new token next time: the gateway has refused this one."""
        self._expires = 0.0

    def _request(self) -> tuple[str, datetime]:
        request = token_request(AUDIENCE, _SECONDS, None)
        try:
            ensure_account(self._api, self._namespace)
            return token_of_request(self._api.create_token(self._namespace, ACCOUNT, request))
        except ApiError as error:
            raise _refused(error, self._namespace) from None
        except KubernetesError as error:
            raise CommandError(f"There is no token for the gateway: {error}") from None


def ensure_account(api: ClusterApi, namespace: str) -> None:
    """Make the CLI's ServiceAccount and its RoleBinding where they are missing; raises ApiError, CommandError."""
    if api.get(SERVICE_ACCOUNTS, namespace, ACCOUNT) is None:
        _create(api, SERVICE_ACCOUNTS, namespace, {"automountServiceAccountToken": False})
    if api.get(_ROLE_BINDINGS, namespace, ACCOUNT) is None:
        _create(
            api,
            _ROLE_BINDINGS,
            namespace,
            {
                "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": _client_role(api)},
                "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
            },
        )
        _wait_for_rights(api, namespace)


def _wait_for_rights(api: ClusterApi, namespace: str) -> None:
    """Wait until the API server counts the new binding; who may not ask does not wait."""
    review = access_review(
        account_identity(namespace, ACCOUNT),
        verb="create",
        group=API_GROUP,
        resource=PLURAL,
        subresource="",
        namespace=namespace,
        name="",
    )
    end = time.monotonic() + _EFFECTIVE_SECONDS
    with contextlib.suppress(ApiError):
        while not is_allowed(api.create(SUBJECT_ACCESS_REVIEWS, None, review)) and time.monotonic() < end:
            time.sleep(0.1)


def _create(api: ClusterApi, kind: ResourceKind, namespace: str, members: JsonObject) -> None:
    metadata: JsonObject = {"name": ACCOUNT, "namespace": namespace, "labels": {LABEL_MANAGED_BY: MANAGED_BY}}
    try:
        api.create(kind, namespace, {"metadata": metadata, **members})
    except ApiError as error:
        if error.reason != "AlreadyExists":  # another sx was faster
            raise


def _client_role(api: ClusterApi) -> str:
    found = api.list(_CLUSTER_ROLES, None, label_selector=f"{ROLE_LABEL} in ({','.join(ROLES)})")
    by_role: dict[str, str] = {}
    for role in found:
        metadata = role.get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        if isinstance(metadata, dict) and isinstance(labels, dict):
            by_role.setdefault(str(labels.get(ROLE_LABEL)), str(metadata.get("name")))
    for role_name in ROLES:
        if role_name in by_role:
            return by_role[role_name]
    raise CommandError("The installation has no ClusterRole for clients: install the chart with rbac.create.")


def _refused(error: ApiError, namespace: str) -> CommandError:
    if error.status == 404:
        return CommandError(
            f"There is no namespace {namespace}; make it by: kubectl create namespace {namespace}"
        )
    if error.status == 403:
        return CommandError(
            f"Your kubeconfig has a client certificate, so sx needs a token of the ServiceAccount {ACCOUNT} in the "
            f"namespace {namespace}, and you may not have it: {error}. Ask for the right to create its tokens, or "
            "for a kubeconfig with a token."
        )
    return CommandError(f"There is no token for the gateway: {error}")
