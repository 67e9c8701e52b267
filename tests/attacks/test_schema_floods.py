"""One tenant's slow schemas, and all others' checks (H7, controller 8f). Each test fails on 9b98b50.

Order is looked at, and who waits for whom: how long a check takes depends on the machine.
"""

import asyncio
import json
import os

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.fairness.payers import Payer, namespace_payer, paid_by
from serviceexecution.schemas import checker as module
from serviceexecution.schemas.checker import SchemaChecker, SchemaSuspendedError, SchemaTimeoutError
from serviceexecution.schemas.memory import PAUSE_SECONDS, SlowSchemas
from serviceexecution.schemas.processes import Processes
from serviceexecution.schemas.rules import SchemaUnusableError
from tests.unit.gateway.service_api.service_harness import JSON, Service, is_problem

OBJECT: JsonObject = {"type": "object"}


def bomb(name: str = "x") -> JsonObject:
    """Each level tries two ways into the next: two to the power of forty."""
    definitions: JsonObject = {
        f"l{level}": {
            "anyOf": [
                {"allOf": [{"$ref": f"#/$defs/l{level + 1}"}, {"type": kind}]}
                for kind in ("string", "boolean")
            ]
        }
        for level in range(40)
    }
    properties: JsonObject = {name: {"$ref": "#/$defs/l0"}}
    return {
        "type": "object",
        "properties": properties,
        "$defs": {**definitions, "l40": {"type": ["integer", "number"]}},
    }


@pytest.fixture
async def checker():
    found = SchemaChecker()
    yield found
    await found.close()


@pytest.fixture
async def service(tmp_path):
    found = Service(tmp_path)
    yield found
    await found.schemas.close()


async def check(checker: SchemaChecker, namespace: str, schema: JsonObject, text: str) -> object:
    """Return the verdict or what went wrong instead."""
    with paid_by(namespace_payer(namespace)):
        try:
            return await checker.check(schema, text)
        except (SchemaTimeoutError, SchemaSuspendedError) as error:
            return type(error)


async def test_a_submission_waits_for_no_slow_schema_of_another_namespace(service):
    """H7: twelve POSTs to a service with an exponential schema made another's POST wait for 19 s."""
    service.cluster.define("slow", namespace="evil", inputSchema=bomb())
    service.cluster.define("fast", inputSchema=OBJECT)

    async def post(path: str):
        return await service.http.post(f"/services/{path}", content=b'{"x": 1}', headers=JSON)

    flood = [asyncio.create_task(post("evil/slow")) for _ in range(12)]
    await asyncio.sleep(0.2)
    answer = await post("team-a/fast")
    assert answer.status_code == 201
    assert not any(task.done() for task in flood), "not even the first of the flood has ended"
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_turns_of_a_flood_leave_turns_for_submissions_to_others(service):
    """H7: 32 bodies sent drop by drop, to one service, held all turns for two minutes."""
    never = asyncio.Event()

    async def dripping():
        yield b"{"
        await never.wait()

    service.cluster.define("slow", namespace="evil")
    flood = [
        asyncio.create_task(service.http.post("/services/evil/slow", content=dripping(), headers=JSON))
        for _ in range(40)
    ]
    await asyncio.sleep(0.2)
    assert (await service.post()).status_code == 201
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_a_schema_that_took_too_long_three_times_takes_nobodys_time_for_a_while(service, monkeypatch):
    monkeypatch.setattr(service.schemas, "_seconds", 0.3)
    service.cluster.define("slow", inputSchema=bomb())

    async def post(number: int):
        return await service.http.post(
            "/services/team-a/slow", content=json.dumps({"x": number}).encode(), headers=JSON
        )

    answers = await asyncio.gather(*(post(number) for number in range(12)))
    assert sorted(answer.status_code for answer in answers) == [422] * 3 + [503] * 9
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert is_problem(refused, 503, "CheckUnavailable")
    assert 1 <= int(refused.headers["retry-after"]) <= PAUSE_SECONDS


async def test_nobody_has_another_ones_schema_suspended(checker, monkeypatch):
    """The kind of H7: a schema is public, and whoever knows a value that is slow could stop its owner."""
    monkeypatch.setattr(checker, "_seconds", 0.3)
    for _ in range(3):
        assert await check(checker, "evil", bomb(), '{"x": 1}') is SchemaTimeoutError
    assert await check(checker, "evil", bomb(), '{"x": 1}') is SchemaSuspendedError
    assert await check(checker, "evil", bomb("y"), '{"x": 1}') == ()
    monkeypatch.setattr(checker, "_seconds", 3)
    assert await check(checker, "owner", bomb(), '{"y": 1}') == ()
    with paid_by(Payer("callers", "mallory", "team")):
        for _ in range(3):
            checker._slow.took_too_long(b"mallory's")
    with paid_by(Payer("callers", "alice", "team")):
        assert await checker.check(bomb(), '{"y": 2}') == ()


async def test_after_the_pause_one_check_shows_whether_it_is_still_slow():
    now = [0.0]
    slow = SlowSchemas(lambda: now[0])
    for _ in range(3):
        slow.begin(b"schema")
        slow.took_too_long(b"schema")
    with pytest.raises(SchemaSuspendedError):
        slow.begin(b"schema")
    now[0] += PAUSE_SECONDS
    slow.begin(b"schema")
    with pytest.raises(SchemaSuspendedError):
        slow.begin(b"schema")
    slow.ended(b"schema")
    slow.begin(b"schema")


async def test_small_checks_go_on_beside_a_large_one_and_a_slow_one(checker, monkeypatch):
    """Controller 8f: an output of 16 MiB was checked alone, for up to 19 s, while nobody else might."""
    monkeypatch.setattr(module, "_SECONDS_PER_BYTE", 30 / 1024**2)
    large = asyncio.create_task(
        check(checker, "large", {"items": {"type": "number"}}, "[" + ",".join(["1.25"] * 3_000_000) + "]")
    )
    slow = asyncio.create_task(check(checker, "slow", bomb(), json.dumps({"x": 1, "y": "z" * 300_000})))
    while not checker._large.running:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    for number in range(20):
        assert await check(checker, f"team-{number}", OBJECT, json.dumps({"a": number})) == ()
    assert not large.done()
    assert await large == ()
    assert await slow is SchemaTimeoutError


async def test_a_check_takes_what_the_one_who_asks_leaves_of_the_processor(checker):
    """On one processor the event loop's steps waited 4 ms each behind a slow schema, and 8 behind two."""
    assert await check(checker, "team-a", OBJECT, "{}") == ()
    own = os.getpriority(os.PRIO_PROCESS, 0)
    (process,) = checker._small.running
    assert own < os.getpriority(os.PRIO_PROCESS, process.pid) == min(19, own + 10)


async def test_memory_of_all_processes_stays_within_what_is_left_beside_the_controller(checker):
    """What the three kinds may have at the same time; 512 MiB is the limit of gateway and controller."""
    ordinary = 2 * module.SMALL_MEMORY_BYTES + module.MEMORY_BYTES
    large = module.SMALL_MEMORY_BYTES + module.LARGE_MEMORY_BYTES
    assert max(ordinary, large) <= 352 * 1024**2
    await asyncio.gather(*(check(checker, f"n{number}", OBJECT, "{}") for number in range(5)))
    await check(checker, "large", {}, "[" + ",".join(["1"] * 800_000) + "]")
    assert len(checker._small.running) <= 1, "one had to go"
    assert not checker._large.running
    assert not checker._ordinary.running


async def test_what_was_checked_is_not_checked_again(checker, monkeypatch):
    """Controller 8f: each pass of each execution checked both schemas of its service and its input anew."""
    asked = []
    original = Processes.ask

    async def ask(self, question, **more):
        asked.append(question)
        return await original(self, question, **more)

    monkeypatch.setattr(Processes, "ask", ask)
    for _ in range(10):
        with paid_by(namespace_payer("team")):
            await checker.check_schema(OBJECT)
        assert await check(checker, "team", OBJECT, '{"a": 1}') == ()
        assert len(await check(checker, "team", OBJECT, "[]")) == 1  # type: ignore[arg-type]
    assert len(asked) == 3
    await check(checker, "team", {"type": "array"}, "[]")
    await check(checker, "team", OBJECT, '{"a": 2}')
    assert len(asked) == 5


async def test_a_schema_nested_beyond_what_json_takes_is_unusable_and_ends_no_pass(checker):
    deep: JsonObject = {}
    for _ in range(5000):
        deep = {"not": deep}
    with pytest.raises(SchemaUnusableError, match="nested"):
        await checker.check_schema(deep)
