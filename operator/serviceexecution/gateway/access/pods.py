"""Which pod calls: its token is bound to it, the pod names its Job, the Job its owner.

Labels are not believed: whoever may edit a pod may set them.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, metadata_of, object_at, object_of
from serviceexecution.gateway.access.bearer import unauthorized
from serviceexecution.gateway.http.payers import pay_as_pod
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.kube.kinds import JOBS, PODS
from serviceexecution.resources.names import API_GROUP

_JOBS: Final = "batch/"
_OURS: Final = f"{API_GROUP}/"


@dataclass(frozen=True, slots=True)
class Owner:
    """The controller of an object."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class BoundPod:
    """A pod that exists, as the API server shows it, and its Job."""

    namespace: str
    name: str
    uid: str
    pod: JsonObject
    job: JsonObject
    job_uid: str


class PodTokens:
    """Tells from tokens of one audience which pod is calling, and to what it belongs."""

    def __init__(
        self, client: GatewayKubernetes, *, audience: str, owner_kind: str, forbidden: str, gone: str
    ) -> None:
        """``forbidden`` and ``gone`` are the codes of problems 403 and 410."""
        self._client = client
        self._audience = audience
        self._owner_kind = owner_kind
        self._forbidden = forbidden
        self._gone = gone

    async def pod_of(self, token: str) -> BoundPod:
        """Return the pod that the token is bound to; raises Problem 401, 403 or 410, KubernetesError."""
        review = await self._client.review_token(token, self._audience)
        if review is None:
            raise unauthorized("The token is not valid for this audience.")
        account, name, uid = review.service_account, review.pod_name, review.pod_uid
        if account is None or name is None or uid is None:
            raise self.forbidden("The token is not bound to a pod.")
        namespace = account[0]
        pay_as_pod(namespace)
        pod = await self._client.get(PODS, namespace, name)
        if pod is None or metadata_of(pod).get("uid") != uid:
            raise self.gone("The token's pod is gone.")
        owner = self._controller(pod, _JOBS, "Job")
        job = await self._client.get(JOBS, namespace, owner.name)
        if job is None or metadata_of(job).get("uid") != owner.uid:
            raise self.gone("The pod's Job is gone.")
        return BoundPod(namespace, name, uid, pod, job, owner.uid)

    def owner_of(self, bound: BoundPod) -> Owner:
        """Return the object of ours that the pod's Job belongs to; raises Problem 403."""
        return self._controller(bound.job, _OURS, self._owner_kind)

    def forbidden(self, detail: str) -> Problem:
        """Return a 403."""
        return Problem(HTTPStatus.FORBIDDEN, self._forbidden, detail)

    def gone(self, detail: str) -> Problem:
        """Return a 410: nobody waits for this pod any more, and asking again will not help."""
        return Problem(HTTPStatus.GONE, self._gone, detail)

    def _controller(self, item: JsonObject, group_prefix: str, kind: str) -> Owner:
        owners = metadata_of(item).get("ownerReferences")
        for owner in owners if isinstance(owners, list) else []:
            reference = object_of(owner)
            name, uid = reference.get("name"), reference.get("uid")
            if (
                reference.get("controller") is True
                and reference.get("kind") == kind
                and str(reference.get("apiVersion")).startswith(group_prefix)
                and isinstance(name, str)
                and isinstance(uid, str)
            ):
                return Owner(name, uid)
        raise self.forbidden(f"The token's pod belongs to no {self._owner_kind}.")


def is_counted(bound: BoundPod) -> bool:
    """Tell whether the Job counts the pod as its own, by its selector, which nobody can change, and so deletes one too
    many. An owner reference is free text: whoever may create pods can name any Job in it."""
    selector = object_at(bound.job, "spec", "selector")
    wanted = texts_of(selector.get("matchLabels"))
    labels = texts_of(metadata_of(bound.pod).get("labels"))
    return bool(wanted) and all(labels.get(name) == value for name, value in wanted.items())


def texts_of(value: JsonValue) -> dict[str, str]:
    """Return the members that are texts, such as of labels."""
    return {name: text for name, text in object_of(value).items() if isinstance(text, str)}
