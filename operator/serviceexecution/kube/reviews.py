"""Who a caller is and what the caller may do, as the API server says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_at

POD_NAME: Final = "authentication.kubernetes.io/pod-name"
POD_UID: Final = "authentication.kubernetes.io/pod-uid"


@dataclass(frozen=True, slots=True)
class TokenIdentity:
    """The owner of a token that the API server vouches for."""

    username: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def pod_name(self) -> str | None:
        """Name of the pod that the token is bound to; its namespace is the ServiceAccount's."""
        return next(iter(self.extra.get(POD_NAME, ())), None)

    @property
    def pod_uid(self) -> str | None:
        """Uid of the pod that the token is bound to."""
        return next(iter(self.extra.get(POD_UID, ())), None)

    @property
    def service_account(self) -> tuple[str, str] | None:
        """Namespace and name of the ServiceAccount, or None for another kind of user."""
        parts = self.username.split(":")
        if len(parts) == 4 and parts[:2] == ["system", "serviceaccount"]:
            return parts[2], parts[3]
        return None


def account_identity(namespace: str, name: str) -> TokenIdentity:
    """Return a ServiceAccount as RBAC knows it by name."""
    return TokenIdentity(f"system:serviceaccount:{namespace}:{name}")


def token_review(token: str, audience: str | None) -> JsonObject:
    """Return the TokenReview to post."""
    spec: JsonObject = {"token": token}
    if audience is not None:
        spec["audiences"] = [audience]
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}


def identity_of_review(answer: JsonObject, audience: str | None) -> TokenIdentity | None:
    """Return whose token it is, or None when it is not authenticated or is for another audience."""
    status = object_at(answer, "status")
    if status.get("authenticated") is not True:
        return None
    if audience is not None and audience not in _texts(status.get("audiences")):
        return None  # An authenticator that ignores audiences must not let a foreign token in
    user = object_at(status, "user")
    if not isinstance(username := user.get("username"), str):
        return None
    return TokenIdentity(
        username=username,
        uid=str(user.get("uid") or ""),
        groups=_texts(user.get("groups")),
        extra={key: _texts(value) for key, value in object_at(user, "extra").items()},
    )


def access_review(
    identity: TokenIdentity,
    *,
    verb: str,
    group: str,
    resource: str,
    subresource: str,
    namespace: str,
    name: str,
) -> JsonObject:
    """Return the SubjectAccessReview to post."""
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": identity.username,
            "uid": identity.uid,
            "groups": list(identity.groups),
            "extra": {key: list(values) for key, values in identity.extra.items()},
            "resourceAttributes": {
                "verb": verb,
                "group": group,
                "resource": resource,
                "subresource": subresource,
                "namespace": namespace,
                "name": name,
            },
        },
    }


def is_allowed(answer: JsonObject) -> bool:
    """Tell what an answered SubjectAccessReview says."""
    return object_at(answer, "status").get("allowed") is True


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
