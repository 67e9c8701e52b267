"""Whether the program of a pod has ended with exit code 0: only what such a program has changed is written back."""

from http import HTTPStatus
from typing import Final

from pydantic import ValidationError

from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import PODS
from serviceexecution.resources.pods.observed import PodView

END_UNKNOWN: Final = "ProgramEndUnknown"
_PODS: Final = 4096
_UNKNOWN: Final = -(2**63)
"""No exit code: the pod is gone, or was given up without one."""
_ENDED_SECONDS: Final = 3600.0
_RUNNING_SECONDS: Final = 0.5
"""How long a pod's collector is told the same without a look: each is a request of the API server."""


class MainEnds:
    """Knows whose program has ended well, which stays so. State owner of that."""

    def __init__(self, client: GatewayKubernetes) -> None:
        self._client = client
        self._ended: ExpiringCache[str, int] = ExpiringCache(seconds=_ENDED_SECONDS, capacity=_PODS)
        self._running: ExpiringCache[str, bool] = ExpiringCache(seconds=_RUNNING_SECONDS, capacity=_PODS)

    async def check(self, identity: CollectorIdentity) -> None:
        """Raise Problem 409 when the program has failed, 422 when nobody will ever know, 503 while its end is not
        known; KubernetesError.
        """
        code = self._ended.get(identity.pod_uid)
        if code is None and not self._running.get(identity.pod_uid):
            code = await self._exit_code(identity)
            if code is None:
                self._running.put(identity.pod_uid, True)
            else:
                self._ended.put(identity.pod_uid, code)
        if code is None:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "MainNotEnded",
                "The program has not ended yet, as far as the API server knows; try again.",
                headers={"Retry-After": "1"},
            )
        if code == _UNKNOWN:
            words = "How the program ended is not known: its pod is gone, or was given up."
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, END_UNKNOWN, words)
        if code != 0:
            raise not_succeeded("The program has failed: what it has changed in data pools is not kept.")

    async def _exit_code(self, identity: CollectorIdentity) -> int | None:
        """Return main's exit code, None while it has none."""
        body = await self._client.get(PODS, identity.reference.namespace, identity.pod_name)
        try:
            pod = None if body is None else PodView.model_validate(body)
        except ValidationError as error:
            raise KubernetesError(f"the pod {identity.pod_name} cannot be read") from error
        if pod is None or pod.metadata.uid != identity.pod_uid:
            return _UNKNOWN
        end = pod.main.terminated
        if end is not None:
            return end.exit_code
        return _UNKNOWN if pod.ended else None


def not_succeeded(detail: str) -> Problem:
    """Return the refusal of changes that a program has left that has not succeeded."""
    return Problem(HTTPStatus.CONFLICT, "ProgramNotSucceeded", detail)
