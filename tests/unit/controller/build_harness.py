"""Services that are built, on the API server in memory: their users, the pods of their builds, and the clock."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any, Final

from serviceexecution.controller.job_actions import RECHECK_SECONDS
from serviceexecution.controller.work.keys import ServiceKey
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_DEFINITIONS
from serviceexecution.resources.names import (
    LABEL_ATTEMPT,
    LABEL_DEFINITION_NAME,
    LABEL_DEFINITION_UID,
    LABEL_REVISION,
)
from serviceexecution.resources.reference import ExecutionReference, revision_reference
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import Revision, ServiceDefinitionStatus
from serviceexecution.store.records import BuildReport, LogRecord
from tests.support.api_server.bodies import metadata_of
from tests.unit.builds.builders import IMAGE_DIGEST, ended, running, settings
from tests.unit.controller.harness import Clock, World

_PASSES: Final = 40


def archive(letter: str) -> bytes:
    """Return the archive that a letter stands for."""
    return f"project {letter}".encode()


def digest_of(letter: str) -> str:
    """Return the digest of that archive."""
    return f"sha256:{hashlib.sha256(archive(letter)).hexdigest()}"


class BuildWorld(World):
    """A namespace "team" with services that are built."""

    def __init__(self, clock: Clock, **members: Any) -> None:
        super().__init__(clock, settings(**members))

    # What users do ---------------------------------------------------------------------------------------

    def define(self, name: str = "adder", source: str = "a", **spec: Any) -> None:
        """Create a service that is built by its Dockerfile."""
        body: Any = {
            "metadata": {"name": name, "namespace": "team", "uid": f"uid-{name}"},
            "spec": {
                "runtime": {"docker": {"build": {}}},
                "source": {"archive": {"digest": digest_of(source)}},
                **spec,
            },
        }
        self.kubernetes.put(SERVICE_DEFINITIONS, body)

    def redefine(self, name: str = "adder", *, source: str | None = None, **spec: Any) -> None:
        """Change a service's spec; a member that is None is taken away."""
        if source is not None:
            spec["source"] = {"archive": {"digest": digest_of(source)}}
        self.kubernetes.change(SERVICE_DEFINITIONS, "team", name, {"spec": spec})

    async def upload(self, *letters: str) -> None:
        """Give the archives of these letters to the gateway."""

        async def chunks(data: bytes) -> AsyncIterator[bytes]:
            yield data

        for letter in letters:
            digest = digest_of(letter).removeprefix("sha256:")
            await self.store.sources.write_source("team", digest, chunks(archive(letter)))

    # What Kubernetes does --------------------------------------------------------------------------------

    def jobs(self) -> list[Any]:
        """Return the Jobs of builds."""
        return [body for body in self._all(JOBS.plural) if LABEL_DEFINITION_UID in body["metadata"]["labels"]]

    def pods(self) -> list[Any]:
        """Return the pods of builds."""
        return [body for body in self._all(PODS.plural) if LABEL_DEFINITION_UID in body["metadata"]["labels"]]

    def run_jobs(self) -> list[Any]:
        """Return the Jobs of executions."""
        return [
            body for body in self._all(JOBS.plural) if LABEL_DEFINITION_UID not in body["metadata"]["labels"]
        ]

    def _all(self, plural: str) -> list[Any]:
        return [body for (kind, _, _), body in self.kubernetes.objects.items() if kind == plural]

    def job_names(self) -> list[str]:
        """Return for each Job whose it is: service, revision and attempt."""
        found = []
        for one in self.jobs():
            labels = one["metadata"]["labels"]
            found.append(f"{labels[LABEL_DEFINITION_NAME]}.{labels[LABEL_REVISION]}-{labels[LABEL_ATTEMPT]}")
        return sorted(found)

    def start_pods(self) -> None:
        """Let every Job without a pod have one, and its program start."""
        owners = {one["metadata"]["ownerReferences"][0]["uid"] for one in self.pods()}
        for one in self.jobs():
            metadata = one["metadata"]
            if metadata["uid"] in owners:
                continue
            owner = {"kind": "Job", "name": metadata["name"], "uid": metadata["uid"], "controller": True}
            pod: Any = {
                "metadata": {
                    "name": f"{metadata['name']}-x7k2p",
                    "namespace": "team",
                    "labels": dict(metadata["labels"]),
                    "ownerReferences": [owner],
                },
                "spec": {"nodeName": "node-1"},
                "status": _pod_status("Running", running(self.clock.seconds)),
            }
            self.kubernetes.put(PODS, pod)

    def end_pod(self, pod: Any, code: int = 0) -> None:
        """Let the program of a pod end."""
        state = ended(code, until=self.clock.seconds)
        status = _pod_status("Succeeded" if code == 0 else "Failed", state)
        self.kubernetes.change(PODS, "team", pod["metadata"]["name"], {"status": status})

    def obey_deadlines(self) -> None:
        """Let pods end that were stopped."""
        for pod in self.pods():
            if pod["spec"].get("activeDeadlineSeconds") == 1 and pod["status"]["phase"] == "Running":
                self.end_pod(pod, 143)

    async def report(self, pod: Any, reason: str = "Succeeded", **members: Any) -> None:
        """Let the builder report, as the gateway keeps it."""
        succeeded = reason == "Succeeded"
        given: dict[str, Any] = {
            "job_uid": pod["metadata"]["ownerReferences"][0]["uid"],
            "succeeded": succeeded,
            "reason": reason,
            "image_digest": IMAGE_DIGEST if succeeded else None,
            **members,
        }
        await self.store.reports.write(_reference(pod), BuildReport.model_validate(given))

    async def keep_logs(self) -> None:
        """Let the logs of programs that have ended be in the store."""
        for pod in self.pods():
            if pod["status"]["phase"] in {"Succeeded", "Failed"}:
                record = LogRecord(
                    attempt=int(pod["metadata"]["labels"][LABEL_ATTEMPT]),
                    pod_uid=pod["metadata"]["uid"],
                    bytes=10,
                    lines=1,
                    committed_at=self.clock.now(),
                )
                await self.store.logs.commit(_reference(pod), record)

    async def finish(self, reason: str = "Succeeded", **members: Any) -> None:
        """Let every build that runs end like that."""
        for pod in self.pods():
            if pod["status"]["phase"] == "Running":
                await self.report(pod, reason, **members)
                self.end_pod(pod, 0 if reason == "Succeeded" else 1)
        await self.keep_logs()

    # What the controller does ----------------------------------------------------------------------------

    async def settle(self) -> float | None:
        """Let the controller learn and work until there is nothing more to do for now; return when to look again."""
        for _ in range(_PASSES):
            await self.controller.watch()
            keys = await self.controller.services()
            version = self.kubernetes.version
            wakes = [await self.controller.reconcile_service(key) for key in keys]
            now = [wake for wake in wakes if wake in {0, RECHECK_SECONDS}]
            if (
                not now
                and version == self.kubernetes.version
                and not len(self.controller.assembled.service_queue)
            ):
                return min((wake for wake in wakes if wake is not None), default=None)
        raise AssertionError("the passes are repeated for ever")

    async def build(self, reason: str = "Succeeded", **members: Any) -> None:
        """Let everything that is to be built be built, with that end."""
        for _ in range(10):
            await self.settle()
            self.start_pods()
            self.wait(2)
            await self.settle()
            await self.finish(reason, **members)
            await self.settle()
            if not self.jobs():
                return

    # What is said ----------------------------------------------------------------------------------------

    def definition(self, name: str = "adder") -> ServiceDefinition:
        """Return a service as the API server has it."""
        return ServiceDefinition.model_validate(
            self.kubernetes.objects[SERVICE_DEFINITIONS.plural, "team", name]
        )

    def status(self, name: str = "adder") -> ServiceDefinitionStatus:
        """Return a service's status."""
        return self.definition(name).status

    def newest(self, name: str = "adder") -> Revision:
        """Return a service's newest revision."""
        return self.status(name).revisions[0]

    def phases(self, name: str = "adder") -> dict[str, str]:
        """Return phase or reason of each revision."""
        return {one.name: one.phase.value for one in self.status(name).revisions}

    def condition(self, type_: str, name: str = "adder") -> tuple[str, str, str]:
        """Return status, reason and message of a condition."""
        found = next(one for one in self.status(name).conditions if one.type == type_)
        return found.status, found.reason, found.message

    def created_jobs(self) -> list[str]:
        """Return the names of all Jobs that were created."""
        return [
            one.name for one in self.kubernetes.requests if (one.verb, one.resource) == ("create", "jobs")
        ]


def key(name: str = "adder") -> ServiceKey:
    """Return a service's key in the queue."""
    return ServiceKey("team", name)


def _pod_status(phase: str, state: Any) -> Any:
    main = {"name": "main", "state": state.model_dump(mode="json", by_alias=True, exclude_none=True)}
    # Null takes away what the state was before.
    main["state"] = {"waiting": None, "running": None, "terminated": None} | main["state"]
    return {"phase": phase, "containerStatuses": [main]}


def _reference(pod: Any) -> ExecutionReference:
    labels: Any = metadata_of(pod)["labels"]
    return revision_reference(
        "team", labels[LABEL_DEFINITION_NAME], labels[LABEL_DEFINITION_UID], labels[LABEL_REVISION]
    )
