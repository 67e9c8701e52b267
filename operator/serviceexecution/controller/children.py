"""Jobs and pods as last seen, by the uid of what they belong to."""

from dataclasses import dataclass, field
from typing import TypeVar

from serviceexecution.controller.versions import newer, number_of
from serviceexecution.resources.views import JobView, PodView

Child = TypeVar("Child", JobView, PodView)


@dataclass(slots=True)
class Children:
    """Jobs and pods by the uid that their label of this name says. May lag behind and miss a deletion."""

    label: str
    _jobs: dict[str, dict[str, JobView]] = field(default_factory=dict)
    _pods: dict[str, dict[str, PodView]] = field(default_factory=dict)

    def put_job(self, job: JobView) -> str | None:
        """Take a Job; return the uid of its owner, None when it is not ours."""
        uid = job.metadata.labels.get(self.label)
        if uid is None or not job.metadata.controlled_by(uid):
            return None
        _put(self._jobs, uid, job)
        return uid

    def drop_job(self, job: JobView) -> str | None:
        """Forget a deleted Job; return the uid of its owner."""
        uid = job.metadata.labels.get(self.label, "")
        _drop(self._jobs, uid, job)
        return uid or None

    def put_pod(self, pod: PodView) -> str | None:
        """Take a pod; return the uid that its label names."""
        uid = pod.metadata.labels.get(self.label)
        if uid is None:
            return None
        _put(self._pods, uid, pod)
        return uid

    def drop_pod(self, pod: PodView) -> str | None:
        """Forget a deleted pod; return the uid that its label names."""
        uid = pod.metadata.labels.get(self.label, "")
        _drop(self._pods, uid, pod)
        return uid or None

    def job(self, uid: str) -> JobView | None:
        """Return the newest Job of that owner."""
        return max(self.jobs(uid), key=lambda job: job.metadata.creation_timestamp, default=None)

    def jobs(self, uid: str) -> tuple[JobView, ...]:
        """Return all Jobs of that owner."""
        return tuple(self._jobs.get(uid, {}).values())

    def pod(self, uid: str, job_uid: str) -> PodView | None:
        """Return the newest pod of that Job."""
        pods = [pod for pod in self._pods.get(uid, {}).values() if pod.metadata.controlled_by(job_uid)]
        return max(pods, key=lambda pod: pod.metadata.creation_timestamp, default=None)

    def drop_unlisted_jobs(self, listed: set[str], version: int) -> set[str]:
        """Forget Jobs that a list as of ``version`` does not show although it should; return their owners."""
        return _drop_unlisted(self._jobs, listed, version)

    def drop_unlisted_pods(self, listed: set[str], version: int) -> set[str]:
        """Forget pods, likewise."""
        return _drop_unlisted(self._pods, listed, version)

    def forget(self, uid: str) -> None:
        """Forget all of an owner that is gone."""
        self._jobs.pop(uid, None)
        self._pods.pop(uid, None)


def _put(children: dict[str, dict[str, Child]], uid: str, child: Child) -> None:
    objects = children.setdefault(uid, {})
    known = objects.get(child.metadata.name)
    if known is None or newer(child.metadata.resource_version, known.metadata.resource_version):
        objects[child.metadata.name] = child


def _drop(children: dict[str, dict[str, Child]], uid: str, child: Child) -> None:
    """Forget a child, unless another one has its name by now; keep nothing of an owner without children."""
    objects = children.get(uid, {})
    known = objects.get(child.metadata.name)
    if known is not None and known.metadata.uid == child.metadata.uid:
        del objects[child.metadata.name]
        if not objects:
            del children[uid]


def _drop_unlisted(children: dict[str, dict[str, Child]], listed: set[str], version: int) -> set[str]:
    owners: set[str] = set()
    for uid, objects in children.items():
        for name, child in list(objects.items()):
            metadata = child.metadata
            if metadata.uid not in listed and number_of(metadata.resource_version) <= version:
                del objects[name]
                owners.add(uid)
    return owners
