"""The namespace that a run works in: submits, cancels, and reads what is left, through any outage."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar, cast

import httpx
import urllib3

from benchmarks.chaos.journal import Journal
from benchmarks.chaos.judgement import Seen
from benchmarks.chaos.plan import Submission
from benchmarks.chaos.programs import BUILD, IMAGE, PROGRAMS
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from tests.support.builds import DOCKERFILE, Builds, revision_of
from tests.support.cluster import ApiError, Cluster, member, name_of
from tests.support.gateway import Gateway
from tests.support.sandbox import TERMINAL, Sandbox

_PATIENCE: Final = 300.0
"""Seconds of an outage after which a call gives up."""
_PAUSE: Final = 0.5
_CONFLICT: Final = 409
_NOT_YET: Final = frozenset({401, 403, 404, 409, 429})
"""Answers of an API server or a gateway that has just started, beside those from 500 on."""
_BUILD_ENDED: Final = frozenset({"Succeeded", "Failed", "Cancelled", "Superseded"})
_OUTAGES: Final = (httpx.HTTPError, urllib3.exceptions.HTTPError, OSError)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class RuntimeDeath:
    """A containerd was killed or stopped."""

    at: float
    """On the clock of the cluster's stamps."""
    node: str


class World:
    """Everything of one run that is in the cluster."""

    def __init__(
        self, cluster: Cluster, gateway: Gateway, journal: Journal, runtime_deaths: Sequence[RuntimeDeath]
    ) -> None:
        self._gateway = gateway
        self._journal = journal
        self.sandbox = Sandbox(cluster)
        self._builds = Builds(self.sandbox, gateway)
        self._token = self._builds.token
        self._runtime_deaths = runtime_deaths

    def submit(self, submission: Submission) -> None:
        """Create the execution or the service, however often it takes, once."""
        insist(lambda: self._create(submission), but=_CONFLICT)

    def _create(self, submission: Submission) -> None:
        if submission.kind == BUILD:
            self._builds.define(_project(submission.name), DOCKERFILE, name=submission.name)
        else:
            spec = PROGRAMS[submission.kind].spec(f"{self._journal.url}/{submission.name}")
            self.sandbox.create(spec, name=submission.name)

    def cancel(self, name: str) -> None:
        """Ask an execution to stop."""
        insist(lambda: self.sandbox.cancel(name))

    def unfinished(self, submissions: tuple[Submission, ...]) -> list[str]:
        """Return the names of those that have not ended."""
        ended = insist(self._ended)
        return [one.name for one in submissions if one.name not in ended]

    def _ended(self) -> set[str]:
        cluster, namespace = self.sandbox.cluster, self.sandbox.name
        runs = cluster.select(SERVICE_EXECUTIONS, namespace)
        services = cluster.select(SERVICE_DEFINITIONS, namespace)
        return {name_of(one) for one in runs if member(one, "status", "phase") in TERMINAL} | {
            name_of(one) for one in services if revision_of(one, "r1").get("phase") in _BUILD_ENDED
        }

    def seen(self, name: str) -> Seen:
        """Return what is left of an execution."""
        found = insist(lambda: self.sandbox.get(name))
        ended, starts = member(found, "status", "phase") in TERMINAL, self._journal.starts[name]
        has_left_something = ended and starts > 0
        return Seen(
            phase=str(member(found, "status", "phase") or ""),
            reason=str(member(found, "status", "reason") or ""),
            message=str(member(found, "status", "message") or ""),
            starts=starts,
            log=self._readable(lambda: self._gateway.log(self.sandbox.name, name, self._token))
            if ended
            else None,
            files=self._readable(lambda: self._files(name)) if has_left_something else None,
            has_ended=ended,
            runtime_died=any(
                death.node == member(found, "status", "pod", "node")
                and _began(found) <= death.at <= _completed(found)
                for death in self._runtime_deaths
            ),
        )

    def built(self, name: str) -> tuple[str, str]:
        """Return phase and message of a service's build."""
        cluster, namespace = self.sandbox.cluster, self.sandbox.name
        found = insist(lambda: cluster.get(SERVICE_DEFINITIONS, namespace, name))
        revision = {} if found is None else revision_of(found, "r1")
        return str(revision.get("phase", "")), f"{revision.get('reason', '')}: {revision.get('message', '')}"

    def _files(self, name: str) -> dict[str, str]:
        listed = self._gateway.files(self.sandbox.name, name, self._token)
        return {str(one["path"]): str(one["sha256"]) for one in listed}

    def _readable(self, read: Callable[[], Answer]) -> Answer | None:
        """Return what was read when all was mended, None when it cannot be."""
        try:
            return insist(read, seconds=20)
        except (AssertionError, ApiError, *_OUTAGES):
            return None


def insist(call: Callable[[], Answer], *, seconds: float = _PATIENCE, but: int = 0) -> Answer:
    """Return what the call returns, called again while something is away; ``but`` is a status that means: done."""
    end = time.monotonic() + seconds
    while True:
        try:
            return call()
        except ApiError as error:
            if error.status == but:
                return cast("Answer", None)
            if (error.status < 500 and error.status not in _NOT_YET) or time.monotonic() > end:
                raise
        except (AssertionError, *_OUTAGES):
            if time.monotonic() > end:
                raise
        time.sleep(_PAUSE)


def _project(name: str) -> dict[str, str]:
    return {"Dockerfile": f'FROM {IMAGE}\nRUN echo {name} > /name\nCMD ["cat", "/name"]\n'}


def _began(found: JsonObject) -> float:
    return _moment(member(found, "metadata", "creationTimestamp"))


def _completed(found: JsonObject) -> float:
    return _moment(member(found, "status", "completionTime")) + 1


def _moment(stamp: object) -> float:
    return datetime.fromisoformat(str(stamp)).timestamp()
