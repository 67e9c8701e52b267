"""ServiceAccounts with a role of a namespace, whose rights count when they are handed out."""

from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_ACCOUNTS, SUBJECT_ACCESS_REVIEWS
from serviceexecution.kube.reviews import access_review, account_identity, is_allowed
from serviceexecution.resources.names import API_GROUP, PLURAL
from tests.support.cluster import ROLE_BINDINGS, Cluster, member
from tests.support.polling import poll_until

TOKEN_SECONDS: Final = 6 * 3600
"""An hour of ``make chaos`` reads logs and files after that hour."""

_TELLING_RIGHT: Final = {"view": ("get", "log"), "edit": ("create", "")}
"""By role of the cluster: a verb and a subresource of executions that it gives."""


def bind(cluster: Cluster, namespace: str, account: str, role: str) -> None:
    """Give ``view`` or ``edit`` to a ServiceAccount, and wait until the API server's authorizer has heard of it."""
    binding: JsonObject = {
        "metadata": {"name": f"{account}-{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }
    cluster.create(ROLE_BINDINGS, namespace, binding)
    verb, subresource = _TELLING_RIGHT[role]
    review = access_review(
        account_identity(namespace, account),
        verb=verb,
        group=API_GROUP,
        resource=PLURAL,
        subresource=subresource,
        namespace=namespace,
        name="",
    )
    poll_until(
        lambda: is_allowed(cluster.create(SUBJECT_ACCESS_REVIEWS, None, review)),
        seconds=30,
        what=f"{account} may {verb} executions in {namespace}",
    )


def account_token(cluster: Cluster, namespace: str, account: str, role: str) -> str:
    """Make a ServiceAccount that has ``view`` or ``edit`` in its namespace; return a token of it."""
    cluster.create(SERVICE_ACCOUNTS, namespace, {"metadata": {"name": account}})
    bind(cluster, namespace, account, role)
    request = cast("JsonObject", {"spec": {"expirationSeconds": TOKEN_SECONDS}})
    answer = cluster.create_sub(SERVICE_ACCOUNTS, namespace, account, "token", request)
    return str(member(answer, "status", "token"))
