"""Tokens of ServiceAccounts by TokenRequest (KEP-1205)."""

from datetime import datetime

from serviceexecution.contract.json_types import JsonObject, object_at
from serviceexecution.kube.errors import KubernetesError


def token_request(audience: str, seconds: int, bound_secret: tuple[str, str] | None) -> JsonObject:
    """Return the TokenRequest to post; ``bound_secret`` is name and uid of the Secret that it ends with."""
    spec: JsonObject = {"audiences": [audience], "expirationSeconds": seconds}
    if bound_secret is not None:
        name, uid = bound_secret
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Secret", "name": name, "uid": uid}
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}


def token_of_request(answer: JsonObject) -> tuple[str, datetime]:
    """Return token and expiry of an answer; raises KubernetesError when it holds none."""
    status = object_at(answer, "status")
    token, expiry = status.get("token"), status.get("expirationTimestamp")
    if not isinstance(token, str) or not isinstance(expiry, str):
        raise KubernetesError("a TokenRequest was answered without a token")
    return token, datetime.fromisoformat(expiry)
