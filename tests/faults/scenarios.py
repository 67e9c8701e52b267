"""What is done to an installation, step by step. Users repeat what nobody has answered."""

import gzip
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import JOBS, PERSISTENT_VOLUME_CLAIMS, SECRETS, SERVICE_DEFINITIONS
from serviceexecution.resources.names import CALLBACK_SECRET
from tests.faults.installation import NAMESPACE, USER, Installation
from tests.faults.pods import Program, sha256

ENDS: Final = frozenset({"Succeeded", "Failed", "Cancelled"})
_NUMBER: Final = {"type": "object", "properties": {"data": {"type": "number"}}, "required": ["data"]}
_SUM: Final = {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]}


class User:
    """Does things once each, and remembers which are done."""

    def __init__(self, installation: Installation) -> None:
        self.at = installation
        self.done: set[str] = set()

    def once(self, what: str) -> bool:
        """Tell whether this is still to be done, and take it as done."""
        new = what not in self.done
        self.done.add(what)
        return new

    async def submits(self, service: str, body: bytes, key: str = "key", *, expect: int = 201) -> bool:
        """Submit until somebody answers; tell whether that is so."""
        if key not in self.done:
            status = await self.at.submit(service, body, key)
            if status is None:
                return False
            if status not in {expect, 200}:
                self.at.faults.append(f"a submission was answered with {status}")
            self.done.add(key)
        return True


Step = Callable[[User], Awaitable[bool]]
"""What a user does in a round; True when all is as it is to end."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story with its end."""

    name: str
    prepare: Callable[[Installation], None]
    step: Step
    phases: dict[str, str | None]
    """How the executions end; those of submissions are "*", and None is one that is gone."""
    rounds: int = 40


def _nothing(_: Installation) -> None:
    return


def _service(**spec: Any) -> Callable[[Installation], None]:
    return lambda one: one.define(**spec)


def _ended(user: User, *names: str) -> bool:
    return all(user.at.phase(name) in ENDS for name in names)


def _only_ended(user: User) -> bool:
    name = user.at.only()
    return name is not None and _ended(user, name)


async def _success(user: User) -> bool:
    return await user.submits("adder", b'{"data": 1}') and _only_ended(user)


async def _applied(user: User) -> bool:
    if user.once("apply"):
        user.at.apply()
    return _ended(user, "sum")


def _fails(one: Installation) -> None:
    one.kubelet.program = Program(code=3)
    one.define()


async def _cancel(user: User) -> bool:
    if user.once("apply"):
        user.at.apply()
    if user.at.phase("sum") == "Running" and user.once("cancel"):
        user.at.edit("sum", cancel=True)
    return _ended(user, "sum")


async def _delete(user: User) -> bool:
    if user.once("apply"):
        user.at.apply()
    if user.at.phase("sum") == "Running" and user.once("delete"):
        user.at.delete("sum")
    return "delete" in user.done


def _long(one: Installation) -> None:
    one.kubelet.program = Program(seconds=3600)


async def _timeout(user: User) -> bool:
    if user.once("apply"):
        user.at.apply(timeout="8s")
    return _ended(user, "sum")


def _schemas(one: Installation) -> None:
    one.define(inputSchema=_NUMBER)


async def _invalid(user: User) -> bool:
    if user.once("apply"):
        user.at.apply(runtime=None, serviceRef={"name": "adder"}, inputJson='{"data": "one"}')
    return await user.submits("adder", b'{"data": "one"}', expect=422) and _ended(user, "sum")


def _output_schema(one: Installation) -> None:
    one.kubelet.program = Program(files={"output.json": b'{"sum": "six"}'})
    one.define(outputSchema=_SUM)


def _with_pool(one: Installation) -> None:
    one.define()
    pool: JsonObject = {
        "metadata": {
            "name": "measured",
            "namespace": NAMESPACE,
            "labels": {"serviceexecution.dev/datapool-id": "0a1b2c3d-0000-4000-8000-0000000000aa"},
        },
        "spec": {"accessModes": ["ReadOnlyMany"]},
        "status": {"phase": "Bound"},
    }
    one.server.put(PERSISTENT_VOLUME_CLAIMS, pool)


_WITH_SECRET: Final = (
    b'{"data": 1, "pool": {"ref": "DATAPOOL", "id": "0a1b2c3d-0000-4000-8000-0000000000aa"}, '
    b'"$secrets": {"apiToken": "tops3cret"}, "$tags": ["t"]}'
)


async def _secret_and_pool(user: User) -> bool:
    return await user.submits("adder", _WITH_SECRET) and _only_ended(user)


_ARCHIVE: Final = gzip.compress(b"project a", mtime=0)


async def _build(user: User) -> bool:
    if "upload" not in user.done:
        try:
            status, _, text = await user.at.ask(
                "PUT",
                f"/api/v1/namespaces/{NAMESPACE}/sources/{sha256(_ARCHIVE).removeprefix('sha256:')}",
                {**USER, "Content-Type": "application/octet-stream"},
                _ARCHIVE,
            )
        except ConnectionError:
            return False
        if status == 503:
            return False
        if status not in {200, 201, 204}:
            user.at.faults.append(f"the upload was answered with {status}: {text!r}")
        user.done.add("upload")
    if user.once("define"):
        source = {"archive": {"digest": sha256(_ARCHIVE)}}
        user.at.define(runtime={"docker": {"build": {}}}, source=source)
    serving = (user.at.definitions()["adder"].get("status") or {}).get("revision")
    if serving is None:
        return False
    return await user.submits("adder", b'{"data": 1}') and _only_ended(user)


async def _ttl(user: User) -> bool:
    if user.once("apply"):
        user.at.apply(ttlSecondsAfterFinished=5, resultRetention="1h")
    return "sum" not in user.at.executions()


def _callback_key(one: Installation) -> None:
    secret: JsonObject = {
        "metadata": {"name": CALLBACK_SECRET, "namespace": NAMESPACE},
        "data": {"default": "c2VjcmV0LWtleS1vZi10aGUtdGVzdA=="},
    }
    one.server.put(SECRETS, secret)
    one.define(callback={"url": "https://receiver.example/done"})


async def _callback(user: User) -> bool:
    if not await user.submits("adder", b'{"data": 1}') or not _only_ended(user):
        return False
    body = user.at.executions()[user.at.only() or ""]
    return (body["status"].get("callback") or {}).get("state") == "Delivered"


async def _queued(user: User) -> bool:
    run = {"runtime": None, "serviceRef": {"name": "adder"}}
    if user.once("first"):
        user.at.apply("first", **run)
    if user.at.phase("first") == "Running" and user.once("second"):
        user.at.apply("second", **run)
    return "second" in user.done and _ended(user, "first", "second")


async def _suspended(user: User) -> bool:
    if user.once("apply"):
        user.at.apply(queueName="small")
    for (plural, namespace, name), body in list(user.at.server.objects.items()):
        if plural == "jobs" and body["spec"].get("suspend") and user.once("seen"):
            return False
        if plural == "jobs" and body["spec"].get("suspend") and user.at.phase("sum") is not None:
            condition = {"type": "Suspended", "status": "False", "lastTransitionTime": "2026-03-01T12:00:03Z"}
            patch: Any = {"spec": {"suspend": False}, "status": {"conditions": [condition]}}
            user.at.server.change(JOBS, namespace, name, patch)
    return _ended(user, "sum")


async def _redefined(user: User) -> bool:
    if user.once("apply"):
        user.at.apply(runtime=None, serviceRef={"name": "adder"})
    if user.at.phase("sum") == "Running" and user.once("redefine"):
        change: Any = {"spec": {"timeout": "1s", "runtime": {"docker": {"image": "other:2"}}}}
        user.at.server.change(SERVICE_DEFINITIONS, NAMESPACE, "adder", change)
    return _ended(user, "sum")


def _prints(one: Installation) -> None:
    result = ("PlanQK:Job:MultilineResult", '{"sum": 6}', "PlanQK:Job:MultilineResult")
    one.kubelet.program = Program(files={}, lines=("one", *result))
    one.define()


SCENARIOS: Final = (
    Scenario("success", _service(), _success, {"*": "Succeeded"}),
    Scenario("applied without a service", _nothing, _applied, {"sum": "Succeeded"}),
    Scenario("failure", _fails, _success, {"*": "Failed"}),
    Scenario("cancelled", _long, _cancel, {"sum": "Cancelled"}),
    Scenario("deleted", _long, _delete, {"sum": None}),
    Scenario("timeout", _long, _timeout, {"sum": "Failed"}),
    Scenario("input does not fit", _schemas, _invalid, {"sum": "Failed"}),
    Scenario("result does not fit", _output_schema, _success, {"*": "Failed"}),
    Scenario("secret and data pool", _with_pool, _secret_and_pool, {"*": "Succeeded"}),
    Scenario("build and run", _nothing, _build, {"*": "Succeeded"}, rounds=60),
    Scenario("time to live", _nothing, _ttl, {"sum": None}),
    Scenario("callback", _callback_key, _callback, {"*": "Succeeded"}),
    Scenario(
        "queued by concurrency",
        _service(concurrency=1),
        _queued,
        {"first": "Succeeded", "second": "Succeeded"},
    ),
    Scenario("suspended by a queue", _nothing, _suspended, {"sum": "Succeeded"}),
    Scenario("service changed meanwhile", _service(), _redefined, {"sum": "Succeeded"}),
    Scenario("printed result", _prints, _success, {"*": "Succeeded"}),
)
