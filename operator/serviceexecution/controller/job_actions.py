"""What passes over executions and over services do alike: ask for Jobs and pods, make and delete Jobs, stop pods."""

from dataclasses import dataclass
from typing import Final

import structlog

from serviceexecution.contract.json_types import JsonObject, text_at
from serviceexecution.controller.known.jobs_and_pods import JobsAndPods
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import AlreadyExistsError, KubernetesError
from serviceexecution.kube.kinds import JOBS, PODS
from serviceexecution.resources.executions.execution import ObjectMeta
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_end import STOP_DEADLINE

logger = structlog.stdlib.get_logger()

RECHECK_SECONDS: Final = 0.2
"""Pause before a pass is repeated because something changed under it."""
_PASSING: Final = frozenset({401, 404, 409})
"""Answers that a later try may not get: about a token, a namespace or a name that is being replaced."""


@dataclass(frozen=True, slots=True)
class JobReader:
    """Asks the API server for Jobs and pods, and notes in ``known`` what it answers. Methods raise KubernetesError."""

    client: KubernetesClient
    known: JobsAndPods

    async def job(self, namespace: str, name: str) -> JobView | None:
        """Return the Job of that name, None when there is none."""
        body = await self.client.get(JOBS, namespace, name)
        if body is None:
            return None
        job = JobView.model_validate(body)
        self.known.put_job(job)
        return job

    async def pods(self, uid: str, namespace: str) -> list[PodView]:
        """Return the pods whose label gives that uid of an owner."""
        found = await self.client.list(PODS, namespace, label_selector=f"{self.known.label}={uid}")
        pods = [PodView.model_validate(item) for item in found.items]
        for pod in pods:
            self.known.put_pod(pod)
        return pods


@dataclass(frozen=True, slots=True)
class JobActions(JobReader):
    """What is done to Jobs and pods. Each step may be repeated by a controller that was killed before it knew."""

    async def create(self, manifest: JsonObject, owner: ObjectMeta) -> JobView:
        """Create the owner's Job; return it, or the one of its name that is the owner's already.

        Raises KubernetesError, also when something else has the name.
        """
        try:
            body = await self.client.create(JOBS, owner.namespace, manifest)
        except AlreadyExistsError:
            existing = await self._existing(manifest, owner)
            if existing is None:
                raise
            return existing
        job = JobView.model_validate(body)
        self.known.put_job(job)
        logger.info("Job created", job=job.metadata.name)
        return job

    async def _existing(self, manifest: JsonObject, owner: ObjectMeta) -> JobView | None:
        name = text_at(manifest, "metadata", "name")
        job = await self.job(owner.namespace, name)
        if job is None:
            return None
        if self.known.owner_of(job) != owner.uid:
            raise in_the_way("Job", name)
        logger.info("Job exists already: ours from before a restart", job=name)
        return job

    async def stop(self, pod: PodView) -> None:
        """End the pod's containers by its deadline: unlike deletion this keeps pod and log."""
        patch: JsonObject = {"spec": {"activeDeadlineSeconds": STOP_DEADLINE}}
        body = await self.client.patch(PODS, pod.metadata.namespace, pod.metadata.name, patch)
        if body is not None:
            self.known.put_pod(PodView.model_validate(body))
        logger.info("pod stopped", pod=pod.metadata.name)

    async def delete(self, job: JobView) -> None:
        """Delete the Job, and with it its pod."""
        metadata = job.metadata
        await self.client.delete(JOBS, metadata.namespace, metadata.name, uid=metadata.uid)
        self.known.drop_job(job)
        logger.info("Job deleted", job=metadata.name)


def in_the_way(kind: str, name: str) -> KubernetesError:
    """Return the error that ends an execution or a build when something else has the name of its child."""
    return KubernetesError(
        f'A {kind} "{name}" that belongs to something else is in the way: delete it.', status=422
    )


def is_final(error: KubernetesError) -> bool:
    """Tell whether the API server refuses what is to be made, and would refuse it again."""
    return not error.retriable and error.status not in _PASSING
