"""Makes executions and plain Jobs, and waits until they have ended and nothing of them is left."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at, objects_of
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import JOBS, NAMESPACES, PODS, SERVICE_EXECUTIONS, ResourceKind
from serviceexecution.resources.names import API_GROUP, API_VERSION, KIND

_WATCH_SECONDS: Final = 3_000
_ENDS: Final = frozenset({"Succeeded", "Failed", "Cancelled"})
_ACCOUNT_SECONDS: Final = 30
_NO_IMAGE: Final = "none"
"""No node pulls it: a stand-in says that it ran."""
RESOURCES: Final[JsonObject] = {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "32Mi"}}


@dataclass(slots=True)
class Told:
    """What a watch says of the objects of one kind in a namespace."""

    ended: dict[str, str] = field(default_factory=dict)
    """How each object ended, by name."""
    there: set[str] = field(default_factory=set)
    _waiting: dict[str, asyncio.Event] = field(default_factory=dict)
    _empty: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, name: str) -> str:
        """Return how that object has ended, when it has."""
        if name not in self.ended:
            await self._waiting.setdefault(name, asyncio.Event()).wait()
        return self.ended[name]

    async def wait_until_none(self) -> None:
        """Wait until there is none left."""
        while self.there:
            self._empty.clear()
            await self._empty.wait()

    def note(self, name: str, end: str | None) -> None:
        """Take a word of an object; ``end`` is how it has ended."""
        self.there.add(name)
        if end is not None and name not in self.ended:
            self.ended[name] = end
            if (waiting := self._waiting.pop(name, None)) is not None:
                waiting.set()

    def gone(self, name: str) -> None:
        """Take the word that an object is no more."""
        self.there.discard(name)
        if not self.there:
            self._empty.set()


@contextlib.asynccontextmanager
async def told(
    client: KubernetesClient, kind: ResourceKind, namespace: str, how: Callable[[JsonObject], str | None]
) -> AsyncIterator[Told]:
    """Watch one kind until the block ends; ``how`` says how an object has ended, None as long as it has not."""
    known = Told()
    version = (await client.list(kind, namespace)).resource_version

    async def watch() -> None:
        events = client.watch(kind, namespace, timeout_seconds=_WATCH_SECONDS, resource_version=version)
        async for event in events:
            if event.type == "BOOKMARK":
                continue
            name = str(metadata_of(event.object)["name"])
            if event.type == "DELETED":
                known.gone(name)
            else:
                known.note(name, how(event.object))

    task = asyncio.create_task(watch())
    try:
        yield known
    finally:
        task.cancel()


def end_of_execution(body: JsonObject) -> str | None:
    """Return the phase of an execution that has ended."""
    phase = str(object_at(body, "status").get("phase"))
    return phase if phase in _ENDS else None


def end_of_job(body: JsonObject) -> str | None:
    """Return how a Job has ended."""
    for condition in objects_of(object_at(body, "status").get("conditions")):
        if condition.get("type") in {"Complete", "Failed"} and condition.get("status") == "True":
            return str(condition["type"])
    return None


async def run_executions(
    client: KubernetesClient, namespace: str, bodies: Sequence[JsonObject], at_once: int
) -> None:
    """Run executions, so many at once, until all have succeeded and no Job or pod of them is left."""

    async def one(body: JsonObject, ends: Told) -> None:
        await client.create(SERVICE_EXECUTIONS, namespace, body)
        end = await ends.wait(str(metadata_of(body)["name"]))
        if end != "Succeeded":
            raise RuntimeError(f"an execution has ended as {end}")

    async with (
        told(client, SERVICE_EXECUTIONS, namespace, end_of_execution) as ends,
        told(client, JOBS, namespace, end_of_job) as jobs,
        told(client, PODS, namespace, lambda _: None) as pods,
    ):
        await _each(bodies, at_once, lambda body: one(body, ends))
        await jobs.wait_until_none()
        await pods.wait_until_none()


async def run_jobs(
    client: KubernetesClient, namespace: str, bodies: Sequence[JsonObject], at_once: int
) -> None:
    """Run plain Jobs in the same way. Each is deleted when it is complete."""

    async def one(body: JsonObject, ends: Told) -> None:
        name = str(metadata_of(body)["name"])
        await client.create(JOBS, namespace, body)
        end = await ends.wait(name)
        if end != "Complete":
            raise RuntimeError(f"a Job has ended as {end}")
        await client.delete(JOBS, namespace, name)

    async with (
        told(client, JOBS, namespace, end_of_job) as ends,
        told(client, PODS, namespace, lambda _: None) as pods,
    ):
        await _each(bodies, at_once, lambda body: one(body, ends))
        await ends.wait_until_none()
        await pods.wait_until_none()


async def _each(
    bodies: Sequence[JsonObject], at_once: int, do: Callable[[JsonObject], Awaitable[None]]
) -> None:
    turns = asyncio.Semaphore(at_once)

    async def in_turn(body: JsonObject) -> None:
        async with turns:
            await do(body)

    async with asyncio.TaskGroup() as group:
        for body in bodies:
            group.create_task(in_turn(body))


def executions(number: int, image: str = _NO_IMAGE) -> list[JsonObject]:
    """Return plain executions: a program, an input, no service."""
    return [
        {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": KIND,
            "metadata": {"name": f"run-{at}-{secrets.token_hex(3)}"},
            "spec": {
                "runtime": {"docker": {"image": image, "command": ["true"]}},
                "input": {"number": at},
                "resources": RESOURCES,
            },
        }
        for at in range(number)
    ]


def jobs(number: int, image: str = _NO_IMAGE) -> list[JsonObject]:
    """Return Jobs that run the same program."""
    container: JsonObject = {"name": "main", "image": image, "command": ["true"], "resources": RESOURCES}
    pod: JsonObject = {"restartPolicy": "Never", "containers": [container]}
    return [
        {
            "metadata": {"name": f"job-{at}-{secrets.token_hex(3)}"},
            "spec": {"backoffLimit": 0, "template": {"spec": pod}},
        }
        for at in range(number)
    ]


@contextlib.asynccontextmanager
async def namespace_of(client: KubernetesClient, name: str) -> AsyncIterator[str]:
    """Make a namespace that pods can be made in, and delete it at the end."""
    namespace = f"{name}-{secrets.token_hex(3)}"
    accounts = ResourceKind("", "v1", "serviceaccounts")
    await client.create(NAMESPACES, None, {"metadata": {"name": namespace}})
    try:
        async with asyncio.timeout(_ACCOUNT_SECONDS):
            while await client.get(accounts, namespace, "default") is None:  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.05)
        yield namespace
    finally:
        await client.delete(NAMESPACES, None, namespace)
