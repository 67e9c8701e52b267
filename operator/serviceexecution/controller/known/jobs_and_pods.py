"""Jobs and pods as last seen, by the uid of the execution or the service that they belong to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from serviceexecution.controller.known.listed import Shown
from serviceexecution.kube.versions import newer
from serviceexecution.resources.pods.observed import JobView, PodView

Place = tuple[str, str]
"""Namespace and name."""

Child = TypeVar("Child", JobView, PodView)

MOST_GONE_PODS: Final = 4
"""Pods that are gone, of one owner. A Job makes one; others may make more that look like its own."""


@dataclass(slots=True)
class JobsAndPods:
    """Jobs and pods by the uid that their label of this name gives. May lag behind and miss a deletion.

    Anybody writes labels and owners, in any namespace. A question therefore says where the child is and, once that is
    recorded, which uid it has.
    """

    label: str
    _jobs: dict[str, dict[Place, JobView]] = field(default_factory=dict)
    _pods: dict[str, dict[Place, PodView]] = field(default_factory=dict)
    _gone_pods: dict[str, list[PodView]] = field(default_factory=dict)
    """Pods that had ended with their main and are gone while their Job stands, in the order in which they went: an
    eviction leaves no time to look at a pod between its end and its deletion."""

    def put_job(self, job: JobView) -> str | None:
        """Take a Job; return the uid of its owner, None when it is not ours."""
        uid = self.owner_of(job)
        if uid is not None:
            _put(self._jobs, uid, job)
        return uid

    def owner_of(self, job: JobView) -> str | None:
        """Return the uid that both label and owner of a Job give, None when it is not ours."""
        uid = job.metadata.labels.get(self.label)
        return uid if uid is not None and job.metadata.controlled_by(uid) else None

    def drop_job(self, job: JobView) -> str | None:
        """Forget a deleted Job; return the uid of its owner."""
        uid = job.metadata.labels.get(self.label, "")
        _drop(self._jobs, uid, job)
        self._forget_gone_pods(uid, job.metadata.uid)
        return uid or None

    def put_pod(self, pod: PodView) -> str | None:
        """Take a pod; return the uid that its label names."""
        uid = pod.metadata.labels.get(self.label)
        if uid is None:
            return None
        _put(self._pods, uid, pod)
        return uid

    def drop_pod(self, pod: PodView) -> str | None:
        """Take the last word of a deleted pod; return the uid that its label names."""
        uid = pod.metadata.labels.get(self.label, "")
        self._note_gone(uid, pod)
        _drop(self._pods, uid, pod)
        return uid or None

    def known_job(self, job: JobView) -> JobView | None:
        """Return what is known of a Job of that owner, namespace and name."""
        return _known(self._jobs, job.metadata.labels.get(self.label, ""), job)

    def known_pod(self, pod: PodView) -> PodView | None:
        """Return what is known of a pod of that label, namespace and name."""
        return _known(self._pods, pod.metadata.labels.get(self.label, ""), pod)

    def job(self, uid: str, place: Place, recorded: str | None = None) -> JobView | None:
        """Return the owner's Job of that namespace and name; with ``recorded`` it must have that uid."""
        job = self._jobs.get(uid, {}).get(place)
        return None if job is None or recorded not in {None, job.metadata.uid} else job

    def jobs(self, uid: str, namespace: str) -> tuple[JobView, ...]:
        """Return all Jobs of that owner, which is in that namespace."""
        return tuple(job for place, job in self._jobs.get(uid, {}).items() if place[0] == namespace)

    def pod(
        self,
        uid: str,
        namespace: str,
        job_uid: str,
        recorded: str | None = None,
        left_out: Collection[str] = (),
    ) -> PodView | None:
        """Return the newest pod of that Job; with ``recorded`` the one of that uid, none of the uids ``left_out``.

        In place of none: the last that was seen of one that had ended with its main, and is gone by now.
        """

        def newest_of(pods: Iterable[PodView]) -> PodView | None:
            fitting = [
                pod
                for pod in pods
                if pod.metadata.namespace == namespace
                and pod.metadata.controlled_by(job_uid)
                and recorded in {None, pod.metadata.uid}
                and pod.metadata.uid not in left_out
            ]
            return max(fitting, key=lambda pod: pod.metadata.creation_timestamp, default=None)

        there = newest_of(self._pods.get(uid, {}).values())
        return there if there is not None else newest_of(self._gone_pods.get(uid, ()))

    def drop_unlisted_jobs(self, shown: Shown) -> set[str]:
        """Forget Jobs that a list should show and does not; return their owners."""
        for uid, jobs in self._jobs.items():
            for job in jobs.values():
                if shown.lacks(job.metadata):
                    self._forget_gone_pods(uid, job.metadata.uid)
        return _drop_unlisted(self._jobs, shown)

    def drop_unlisted_pods(self, shown: Shown) -> set[str]:
        """Forget pods that a list should show and does not; return their owners."""
        for uid, pods in self._pods.items():
            for pod in pods.values():
                if shown.lacks(pod.metadata):
                    self._note_gone(uid, pod)
        return _drop_unlisted(self._pods, shown)

    def forget(self, uid: str) -> None:
        """Forget all of an owner that is gone."""
        self._jobs.pop(uid, None)
        self._pods.pop(uid, None)
        self._gone_pods.pop(uid, None)

    def _note_gone(self, uid: str, pod: PodView) -> None:
        if not pod.ended or pod.main.terminated is None:
            return
        jobs = self.jobs(uid, pod.metadata.namespace)
        if not any(pod.metadata.controlled_by(job.metadata.uid) for job in jobs):
            return
        others = [one for one in self._gone_pods.get(uid, ()) if one.metadata.uid != pod.metadata.uid]
        self._gone_pods[uid] = [*others, pod][-MOST_GONE_PODS:]

    def _forget_gone_pods(self, uid: str, job_uid: str) -> None:
        left = [pod for pod in self._gone_pods.pop(uid, ()) if not pod.metadata.controlled_by(job_uid)]
        if left:
            self._gone_pods[uid] = left


def _known(children: dict[str, dict[Place, Child]], uid: str, child: Child) -> Child | None:
    return children.get(uid, {}).get((child.metadata.namespace, child.metadata.name))


def _put(children: dict[str, dict[Place, Child]], uid: str, child: Child) -> None:
    objects = children.setdefault(uid, {})
    place = (child.metadata.namespace, child.metadata.name)
    known = objects.get(place)
    if known is None or newer(child.metadata.resource_version, known.metadata.resource_version):
        objects[place] = child


def _drop(children: dict[str, dict[Place, Child]], uid: str, child: Child) -> None:
    """Forget a child, unless another one has its name by now; keep nothing of an owner without children."""
    objects = children.get(uid, {})
    place = (child.metadata.namespace, child.metadata.name)
    known = objects.get(place)
    if known is not None and known.metadata.uid == child.metadata.uid:
        del objects[place]
        if not objects:
            del children[uid]


def _drop_unlisted(children: dict[str, dict[Place, Child]], shown: Shown) -> set[str]:
    owners: set[str] = set()
    for uid, objects in list(children.items()):
        for place, child in list(objects.items()):
            if shown.lacks(child.metadata):
                del objects[place]
                owners.add(uid)
        if not objects:
            del children[uid]
    return owners
