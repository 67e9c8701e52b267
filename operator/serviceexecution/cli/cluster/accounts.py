"""Whose token the gateway gets, and the ServiceAccount that acts for people without one."""

import base64
import binascii
import contextlib
import json
import re
import time
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from serviceexecution.cli.cluster.api import ApiError, ClusterApi
from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.json_types import JsonObject, object_of, text_at
from serviceexecution.kube.kinds import SERVICE_ACCOUNTS, SUBJECT_ACCESS_REVIEWS, ResourceKind
from serviceexecution.kube.reviews import access_review, account_identity, is_allowed
from serviceexecution.resources.names import API_GROUP, DEFINITION_PLURAL, LABEL_MANAGED_BY, MANAGED_BY

ACCOUNT: Final = "sx-cli"
ACCOUNT_VARIABLE: Final = "SX_ACCOUNT"
ROLE_LABEL: Final = f"{API_GROUP}/role"
ROLES: Final = ("develop", "submit")
"""Roles of clients by their label, the first that is installed counts."""
RUN: Final = "run"
"""Submitting to a service is creating this subresource of it, as the gateway asks."""
_EFFECTIVE_SECONDS: Final = 10.0
_RBAC: Final = "rbac.authorization.k8s.io"
_CLUSTER_ROLES: Final = ResourceKind(_RBAC, "v1", "clusterroles")
_ROLE_BINDINGS: Final = ResourceKind(_RBAC, "v1", "rolebindings")
_NAME: Final = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_TOLD: Final = re.compile(rf"(?:(?P<namespace>{_NAME})/)?(?P<name>{_NAME})")
_SUBJECT: Final = re.compile(rf"system:serviceaccount:(?P<namespace>{_NAME}):(?P<name>{_NAME})")


@dataclass(frozen=True, slots=True)
class Account:
    """A ServiceAccount."""

    namespace: str
    name: str

    @override
    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def told_account(text: str, namespace: str) -> Account | None:
    """Return the account that SX_ACCOUNT names, ``NAME`` or ``NAMESPACE/NAME``; None for "". Raises CommandError."""
    if not text:
        return None
    found = _TOLD.fullmatch(text)
    if found is None:
        raise CommandError(
            f"{ACCOUNT_VARIABLE} must be the name of a ServiceAccount or NAMESPACE/NAME, not {text!r}."
        )
    return Account(found["namespace"] or namespace, found["name"])


def own_account(token: str | None) -> Account | None:
    """Return the account that a token is of, None for people. Nothing is verified: the API server does that."""
    parts = (token or "").split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    found = _SUBJECT.fullmatch(text_at(object_of(claims), "sub"))
    return None if found is None else Account(found["namespace"], found["name"])


def ensure_account(api: ClusterApi, namespace: str) -> None:
    """Make the CLI's ServiceAccount with its RoleBinding where it is missing; raises ApiError, CommandError.

    The binding comes first, so that an account that is there has one. Who may not look takes it for there.
    """
    try:
        if api.get(SERVICE_ACCOUNTS, namespace, ACCOUNT) is not None:
            return
    except ApiError as error:
        if error.status != 403:
            raise
        return
    _create(
        api,
        _ROLE_BINDINGS,
        namespace,
        {
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": _client_role(api)},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
        },
    )
    _create(api, SERVICE_ACCOUNTS, namespace, {"automountServiceAccountToken": False})
    _wait_for_rights(api, namespace)


def how_to_make(account: Account, role: str) -> str:
    """Return the commands by which somebody with more rights makes an account once."""
    name, namespace = account.name, account.namespace
    return (
        f"kubectl -n {namespace} create serviceaccount {name}; kubectl -n {namespace} create rolebinding {name} "
        f"--clusterrole={role} --serviceaccount={namespace}:{name}"
    )


def _wait_for_rights(api: ClusterApi, namespace: str) -> None:
    """Wait until the API server counts the new binding; an account that may not ask does not wait."""
    review = access_review(
        account_identity(namespace, ACCOUNT),
        verb="create",
        group=API_GROUP,
        resource=DEFINITION_PLURAL,
        subresource=RUN,
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
        if error.reason != "AlreadyExists":  # Another sx was faster
            raise


def _client_role(api: ClusterApi) -> str:
    """Return the installation's role for clients: ClusterRoles are out of tenants' reach, so their labels may count."""
    found = api.list(_CLUSTER_ROLES, None, label_selector=f"{ROLE_LABEL} in ({','.join(ROLES)})")
    by_role: dict[str, str] = {}
    for role in found:
        by_role.setdefault(text_at(role, "metadata", "labels", ROLE_LABEL), text_at(role, "metadata", "name"))
    for role_name in ROLES:
        if role_name in by_role:
            return by_role[role_name]
    raise CommandError("The installation has no ClusterRole for clients: install the chart with rbac.create.")
