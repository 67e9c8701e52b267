"""Makes, lists and revokes access keys in the cluster that the kubeconfig names."""

import asyncio
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serviceexecution.cli.access_key_objects import (
    ANNOTATION_DESCRIPTION,
    GatewayAccount,
    key_objects,
    key_secret,
)
from serviceexecution.cli.cluster.accounts import RUN
from serviceexecution.cli.cluster.gateway import (
    DEFAULT_PLACE,
    LABEL_RELEASE,
    SERVICES,
    GatewayPlace,
    GatewayService,
    account_name,
    no_gateway,
    release_name,
)
from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SECRETS, SERVICE_ACCOUNTS, ResourceKind
from serviceexecution.kube.reviews import account_identity
from serviceexecution.resources.access_key import ANNOTATION_EXPIRES, LABEL_ACCESS_KEY, KeyId
from serviceexecution.resources.names import API_GROUP, DEFINITION_PLURAL

_NAMESPACES: Final = ResourceKind("", "v1", "namespaces")
_CLUSTER_ROLES: Final = ResourceKind("rbac.authorization.k8s.io", "v1", "clusterroles")
_KINDS: Final = {
    "serviceaccounts": SERVICE_ACCOUNTS,
    "roles": ResourceKind("rbac.authorization.k8s.io", "v1", "roles"),
    "rolebindings": ResourceKind("rbac.authorization.k8s.io", "v1", "rolebindings"),
}
_EFFECTIVE_SECONDS: Final = 10.0
"""How long the new rights are waited for, at most; usual are milliseconds."""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as it is listed; its secret is known to nobody any more."""

    id: str
    created: str
    expires: str
    description: str


async def create_key(
    client: KubernetesClient,
    namespace: str,
    *,
    place: GatewayPlace = DEFAULT_PLACE,
    description: str = "",
    expires: datetime | None = None,
) -> tuple[KeyId, str]:
    """Make a key and return its id and its secret, which is shown this once; raises CommandError, KubernetesError.

    ``place`` is where the gateway is: its account alone may read the key and make tokens of it.
    """
    if await client.get(_NAMESPACES, None, namespace) is None:
        raise CommandError(
            f"There is no namespace {namespace}; create it with: kubectl create namespace {namespace}"
        )
    gateway = await find_gateway(client, place)
    key_id = KeyId.new(namespace)
    secret = secrets.token_urlsafe(32)
    manifest = key_secret(key_id, secret, secrets.token_bytes(16), description=description, expires=expires)
    created = await client.create(SECRETS, namespace, manifest)
    try:
        for plural, part in key_objects(key_id, _metadata(created, "uid"), gateway):
            await client.create(_KINDS[plural], namespace, part)
    except BaseException:
        await client.delete(
            SECRETS, namespace, key_id.secret_name
        )  # Half a key is none; the rest goes with it
        raise
    await _wait_for_rights(client, key_id, gateway)
    return key_id, secret


async def _wait_for_rights(client: KubernetesClient, key_id: KeyId, gateway: GatewayAccount) -> None:
    """Wait until the API server counts the new bindings, so that nobody's first call with the key is refused.

    The key is there in any case: a user who may not ask for rights does not wait.
    """
    name, namespace = key_id.secret_name, key_id.namespace
    end = time.monotonic() + _EFFECTIVE_SECONDS
    try:
        while not (
            await client.review_access(
                account_identity(gateway.namespace, gateway.name),
                verb="get",
                group="",
                resource="secrets",
                subresource="",
                namespace=namespace,
                name=name,
            )
            and await client.review_access(
                account_identity(namespace, name),
                verb="create",
                group=API_GROUP,
                resource=DEFINITION_PLURAL,
                subresource=RUN,
                namespace=namespace,
                name="",
            )
        ):
            if time.monotonic() >= end:
                return
            await asyncio.sleep(0.1)
    except KubernetesError:
        return


async def list_keys(client: KubernetesClient, namespace: str | None) -> list[ListedKey]:
    """Return the keys of a namespace, or of all; raises KubernetesError."""
    found = await client.list(SECRETS, namespace, label_selector=LABEL_ACCESS_KEY)
    keys = [
        ListedKey(
            id=str(KeyId(_metadata(item, "namespace"), _label(item))),
            created=_metadata(item, "creationTimestamp"),
            expires=_annotation(item, ANNOTATION_EXPIRES),
            description=_annotation(item, ANNOTATION_DESCRIPTION),
        )
        for item in found.items
    ]
    return sorted(keys, key=lambda key: (key.created, key.id))


async def revoke_key(client: KubernetesClient, text: str) -> None:
    """Delete a key: its tokens end with it. Raises CommandError, KubernetesError."""
    key_id = KeyId.parse(text)
    if key_id is None:
        raise CommandError(f"{text} is not the id of a key; ids look like team-a.k0123456789abcdef")
    if not await client.delete(SECRETS, key_id.namespace, key_id.secret_name):
        raise CommandError(f"There is no access key {text}; list them with: sx access-key list")


async def find_gateway(client: KubernetesClient, place: GatewayPlace = DEFAULT_PLACE) -> GatewayAccount:
    """Return the account of the gateway at a place; raises CommandError, KubernetesError.

    Its Service names it, and an account elsewhere than beside it is none.
    """
    found = await client.get(SERVICES, place.namespace, place.name)
    if found is None:
        raise CommandError(no_gateway(place))
    gateway = GatewayService(place.namespace, place.name, found, place.port)
    role = await _client_role(client, release_name(gateway))
    return GatewayAccount(place.namespace, account_name(gateway), role)


async def _client_role(client: KubernetesClient, release: str) -> str:
    selector = f"serviceexecution.dev/role=submit,{LABEL_RELEASE}={release}"
    roles = await client.list(_CLUSTER_ROLES, None, label_selector=selector)
    for role in roles.items:
        return _metadata(role, "name")
    raise CommandError("The installation has no ClusterRole for clients: install the chart with rbac.create.")


def _metadata(item: JsonObject, name: str) -> str:
    return str(metadata_of(item).get(name) or "")


def _label(item: JsonObject, name: str = LABEL_ACCESS_KEY) -> str:
    return str(object_at(item, "metadata", "labels").get(name) or "")


def _annotation(item: JsonObject, name: str) -> str:
    return str(object_at(item, "metadata", "annotations").get(name) or "")
