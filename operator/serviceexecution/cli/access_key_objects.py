"""The objects that make an access key. Pure.

All belong to the key's Secret, so that revoking a key is deleting its Secret. The key's own Role lets the gateway read
that one Secret and mint tokens of that one account: the gateway has no such right anywhere else.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.access_key import (
    ANNOTATION_EXPIRES,
    LABEL_ACCESS_KEY,
    SECRET_TYPE,
    KeyId,
    digest_of,
)
from serviceexecution.resources.names import API_GROUP, LABEL_MANAGED_BY, MANAGED_BY

ANNOTATION_DESCRIPTION: Final = f"{API_GROUP}/description"
_RBAC: Final = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """The gateway's ServiceAccount, and the ClusterRole that clients of the Service API get."""

    namespace: str
    name: str
    client_role: str


def key_secret(
    key_id: KeyId, secret: str, salt: bytes, *, description: str, expires: datetime | None
) -> JsonObject:
    """Return the Secret that stands for the key; it holds a hash of ``secret``."""
    annotations = {ANNOTATION_DESCRIPTION: description} if description else {}
    if expires is not None:
        annotations[ANNOTATION_EXPIRES] = expires.isoformat()
    data: Mapping[str, bytes] = {
        "serviceAccount": key_id.secret_name.encode(),
        "salt": salt,
        "hash": digest_of(secret, salt),
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**_metadata(key_id), "annotations": {**annotations}},
        "type": SECRET_TYPE,
        "immutable": True,
        "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
    }


def key_objects(key_id: KeyId, secret_uid: str, gateway: GatewayAccount) -> list[tuple[str, JsonObject]]:
    """Return plural and manifest of what belongs to the Secret, in the order in which it is made."""
    owner: JsonObject = {"apiVersion": "v1", "kind": "Secret", "name": key_id.secret_name, "uid": secret_uid}
    metadata: JsonObject = {**_metadata(key_id), "ownerReferences": [owner]}
    for_gateway: JsonObject = {
        **metadata,
        "name": f"{key_id.secret_name}-gateway",
    }
    account: JsonObject = {
        "kind": "ServiceAccount",
        "name": key_id.secret_name,
        "namespace": key_id.namespace,
    }
    role: JsonObject = {
        "metadata": for_gateway,
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["secrets"],
                "resourceNames": [key_id.secret_name],
                "verbs": ["get"],
            },
            {
                "apiGroups": [""],
                "resources": ["serviceaccounts/token"],
                "resourceNames": [key_id.secret_name],
                "verbs": ["create"],
            },
        ],
    }
    return [
        ("serviceaccounts", {"metadata": metadata, "automountServiceAccountToken": False}),
        (
            "rolebindings",
            {
                "metadata": metadata,
                "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": gateway.client_role},
                "subjects": [account],
            },
        ),
        ("roles", role),
        (
            "rolebindings",
            {
                "metadata": for_gateway,
                "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": f"{key_id.secret_name}-gateway"},
                "subjects": [
                    {"kind": "ServiceAccount", "name": gateway.name, "namespace": gateway.namespace}
                ],
            },
        ),
    ]


def _metadata(key_id: KeyId) -> JsonObject:
    return {
        "name": key_id.secret_name,
        "namespace": key_id.namespace,
        "labels": {LABEL_ACCESS_KEY: key_id.suffix, LABEL_MANAGED_BY: MANAGED_BY},
    }
