"""A controller on the API server in memory and a store in memory, and the part of the cluster that runs pods."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, Final, cast

from serviceexecution.builds.settings import BuildsSettings
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.assembly import assemble
from serviceexecution.controller.clients import Clients
from serviceexecution.controller.job_actions import RECHECK_SECONDS
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.known.cached_execution import read_execution
from serviceexecution.controller.settings import ControllerSettings
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.kube.kinds import EVENTS, JOBS, PODS, SERVICE_EXECUTIONS
from serviceexecution.logs.target import FollowedContainer
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.pods.observed import ContainerStateView
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.records import LogRecord, PoolWrite
from serviceexecution.store.store import ResultStore
from tests.support.api_server.bodies import metadata_of
from tests.support.api_server.server import ApiServer
from tests.unit.executions.builders import (
    POD_UID,
    UID,
    at,
    ended,
    file,
    log,
    manifest,
    pod,
    running,
    uid_of_attempt,
    waiting,
)

KEY: Final = ExecutionKey("team", "sum")
SUCCESS: Final = [
    "create configmaps",
    "create jobs",
    "patch serviceexecutions/status",
    "patch serviceexecutions/status",
    "patch serviceexecutions/status",
    "delete jobs",
]
"""All writes of a plain success, Events apart."""
RESULT: Final = b'{"sum": 6}'


class Clock:
    """The time that the controller and the API server in memory see."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return at(self.seconds)


class FakeFollowers:
    """Remembers which logs are to be followed."""

    def __init__(self) -> None:
        self.followed: dict[ExecutionReference, tuple[str, bool]] = {}
        self.forgotten: list[ExecutionReference] = []
        self.under_way = False
        self.committed: LogRecord | None = None

    def is_under_way(self, ref: ExecutionReference, attempt: int, pod_uid: str) -> bool:
        return self.under_way

    def record(self, ref: ExecutionReference, attempt: int, pod_uid: str) -> LogRecord | None:
        return self.committed

    def ensure(
        self, ref: ExecutionReference, target: FollowedContainer, *, main_terminated: bool, **_: object
    ) -> None:
        self.followed[ref] = (target.pod_uid, main_terminated)

    def forget(self, ref: ExecutionReference) -> None:
        self.forgotten.append(ref)


class Controller:
    """One life of the controller's process: what it knows ends with it."""

    def __init__(
        self,
        kubernetes: ApiServer,
        store: ResultStore,
        clock: Clock,
        builds: BuildsSettings | None = None,
        traces_url: str = "",
    ) -> None:
        client = cast("Any", kubernetes)
        self.followers = FakeFollowers()
        self.called_back: list[ServiceExecution] = []
        settings = ControllerSettings(
            collector_image="collector:1",
            gateway_url="http://gateway",
            store_url="memory:///",
            store_options={},
            cluster_id="test",
            builds=builds,
            traces_url=traces_url,
        )
        self.assembled = assemble(
            settings,
            Clients(work=client, logs=client, events=client),
            store,
            clock.now,
            followers=cast("Any", self.followers),
            deliver=self.called_back.append,
        )
        self.cache = self.assembled.cache
        self.checker = self.assembled.checker
        self.admission = self.assembled.admission
        self.observer = self.assembled.observer
        self.resync = self.assembled.resync
        self.woken: list[ExecutionKey] = []
        self.cache.on_change = lambda service, changed: self.woken.extend(
            self.admission.keys_after_change(service) if changed else self.admission.next_keys(service)
        )

    async def services(self) -> list[ServiceKey]:
        """Take the services that are queued for a pass."""
        queue, keys = self.assembled.service_queue, []
        while len(queue):
            keys.append(await queue.get())
            queue.done(keys[-1], succeeded=True)
        return keys

    async def watch(self) -> None:
        """Learn all that changed."""
        await self.resync.once()

    async def reconcile(self, key: ExecutionKey = KEY) -> float | None:
        """Make one pass with what is known."""
        return await self._settled(await self.assembled.reconciler.reconcile(key))

    async def reconcile_service(self, key: ServiceKey) -> float | None:
        """Make one pass over a service with what is known."""
        return await self._settled(await self.assembled.service_reconciler.reconcile(key))

    async def _settled(self, wake: float | None) -> float | None:
        await asyncio.gather(*self.assembled.background.running)
        return wake

    async def run(self, key: ExecutionKey = KEY) -> float | None:
        """Learn and make passes until there is nothing more to do for now."""
        for _ in range(10):
            await self.watch()
            wake = await self.reconcile(key)
            if wake not in {0, RECHECK_SECONDS}:
                return wake
        raise AssertionError("the pass is repeated for ever")


class World:
    """Everything outside of the controller."""

    def __init__(self, clock: Clock, builds: BuildsSettings | None = None, traces_url: str = "") -> None:
        self.clock = clock
        self.builds = builds
        self.traces_url = traces_url
        self.kubernetes = ApiServer(clock.now)
        self.store = ResultStore.open("memory:///", "test")
        self.controllers: list[Controller] = []
        self.controller = self.start()

    def start(self) -> Controller:
        """Start the controller anew, with nothing in its head."""
        self.controller = Controller(self.kubernetes, self.store, self.clock, self.builds, self.traces_url)
        self.controllers.append(self.controller)
        return self.controller

    def apply(self, **spec: object) -> None:
        """Create the execution, as ``kubectl apply`` does."""
        metadata: JsonObject = {"name": "sum", "namespace": "team", "uid": UID}
        body = {"runtime": {"docker": {"image": "sum:1"}}, "inputJson": '{"data": 1}', **spec}
        self.kubernetes.put(SERVICE_EXECUTIONS, {"metadata": metadata, "spec": cast("JsonObject", body)})

    def edit(self, **spec: object) -> None:
        """Change the execution's spec."""
        self.kubernetes.change(SERVICE_EXECUTIONS, "team", "sum", {"spec": cast("JsonObject", spec)})

    def warn(self, about: JsonObject, message: str) -> None:
        """Post a Warning about an object, as Kubernetes' own controllers do."""
        metadata = metadata_of(about)
        involved: JsonObject = {"uid": metadata["uid"]}
        body: JsonObject = {
            "metadata": {"name": f"w{self.kubernetes.version}", "namespace": "team"},
            "involvedObject": involved,
            "type": "Warning",
            "message": message,
            "lastTimestamp": self.clock.now().isoformat(),
        }
        self.kubernetes.put(EVENTS, body)

    def pod(
        self,
        main: ContainerStateView | None = None,
        collector: ContainerStateView | None = None,
        **members: Any,
    ) -> None:
        """Let the Job's pod be in that state, if the Job is there."""
        job = self.kubernetes.one(JOBS)
        if job is None:
            return
        attempt = int(str(metadata_of(job)["name"]).rpartition("-")[2])
        view = pod(main, collector, attempt=attempt, **members)
        body = cast("JsonObject", view.model_dump(mode="json", by_alias=True, exclude_none=True))
        cast("list[JsonObject]", metadata_of(body)["ownerReferences"])[0]["uid"] = metadata_of(job)["uid"]
        del metadata_of(body)["creationTimestamp"]
        written: JsonObject = {
            "manager": "kubelet",
            "subresource": "status",
            "time": self.clock.now().isoformat(),
        }
        metadata_of(body)["managedFields"] = [written]
        existing = self.kubernetes.one(PODS)
        if existing is None:
            self.kubernetes.put(PODS, body)
        else:
            change: JsonObject = {"metadata": {"managedFields": [written]}, "status": body["status"]}
            self.kubernetes.change(PODS, "team", view.metadata.name, change)

    async def keep(self, attempt: int = 1, result: bytes = RESULT, pools: tuple[PoolWrite, ...] = ()) -> None:
        """Let output and log of the attempt be in the store, and say what became of data pools."""
        reference = self.execution.reference

        async def chunks() -> AsyncIterator[bytes]:
            yield result

        await self.store.outputs.of(reference, attempt).write("output.json", chunks())
        of_attempt = {"attempt": attempt, "pod_uid": uid_of_attempt(POD_UID, attempt)}
        listed = manifest(file(size=len(result))).model_copy(update={**of_attempt, "data_pools": pools})
        await self.store.outputs.commit(reference, listed)
        await self.store.logs.commit(reference, log().model_copy(update=of_attempt))

    @property
    def execution(self) -> ServiceExecution:
        """Return the execution as the API server has it."""
        body = self.kubernetes.one(SERVICE_EXECUTIONS)
        assert body is not None
        return ServiceExecution.model_validate(body)

    def said(self) -> tuple[str | None, str | None]:
        """Return the execution's phase and reason."""
        status = self.execution.status
        return (None if status.phase is None else status.phase.value), status.reason

    def said_raw(self) -> tuple[object, object]:
        """Return the same of an execution that cannot be read."""
        body = self.kubernetes.one(SERVICE_EXECUTIONS)
        assert body is not None
        status = cast("JsonObject", body["status"])
        return status["phase"], status["reason"]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.seconds += seconds


def known(cache: ObjectCache, key: ExecutionKey) -> ServiceExecution:
    """Return an execution as the cache has it."""
    text = cache.texts.get(key)
    assert text is not None
    found = read_execution(json.loads(text))
    assert isinstance(found, ServiceExecution)
    return found


async def succeed(world: World, look: Callable[[], Awaitable[object]]) -> None:
    """Let an execution run to success; ``look`` after each step."""
    world.apply()
    await look()
    world.wait(1)
    world.pod(waiting(), waiting())
    await look()
    world.wait(4)
    world.pod(running(), running())
    await look()
    world.wait(10)
    world.pod(ended(), running())
    await look()
    await world.keep()
    world.pod(ended(), ended(until=16))
    await look()
    await look()


async def start(world: World, **spec: object) -> None:
    """Bring an execution to a running program."""
    world.apply(**spec)
    await world.controller.run()
    world.wait(5)
    world.pod(running(), running())
    await world.controller.run()
    assert world.said() == ("Running", "Running")
