"""JSON Schemas: faults with their place, schemas that are refused, and hostile ones that end in time."""

import asyncio
import json
import sys
import time
from typing import Any

import pytest

from serviceexecution.schemas import checker as module
from serviceexecution.schemas.checker import CheckerUnavailableError, SchemaChecker, SchemaTimeoutError
from serviceexecution.schemas.rules import SchemaUnusableError

NUMBERS = {
    "type": "object",
    "properties": {"data": {"type": "object", "properties": {"values": {"items": {"type": "number"}}}}},
    "required": ["data"],
}


@pytest.fixture
async def checker():
    found = SchemaChecker(seconds=1)
    yield found
    await found.close()


async def test_what_fits_and_what_does_not(checker):
    assert await checker.check(NUMBERS, '{"data": {"values": [1, 2.5, 12345678901234567890]}}') == ()
    (fault,) = await checker.check(NUMBERS, '{"data": {"values": [1, "x"]}}')
    assert fault.path == '$["data"]["values"][1]'
    assert "number" in fault.message
    (fault,) = await checker.check(NUMBERS, "{}")
    assert fault.path == "$"
    assert '"data" is a required property' in fault.message


async def test_a_status_repeats_no_value():
    """LOW: status.message of kubectl's executions named parts of inputs. Fails on 9b98b50."""
    schema: dict[str, Any] = {
        "properties": {
            "a": {"type": "array"},
            "b": {"enum": [1, 2]},
            "c": {"minLength": 50},
            "d": {"const": 1},
            "e": {"items": {"pattern": "^x"}},
            "f": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
            "g": False,
            "h": {"not": {"type": "string"}},
            "i": {"uniqueItems": True},
            "j": {"contains": {"type": "null"}},
        }
    }
    value: dict[str, object] = dict.fromkeys(schema["properties"], "hunter2")
    value |= {"a": {"p": "hunter2"}, "e": ["hunter2"], "i": ["hunter2"] * 2, "j": ["hunter2"]}
    quiet = SchemaChecker(seconds=5, says_values=False)
    found = await quiet.check(schema, json.dumps(value))
    await quiet.close()
    assert len(found) == len(schema["properties"])
    assert not [fault for fault in found if "hunter2" in fault.message]
    assert [fault.message for fault in found if fault.path == '$["a"]'] == [
        'its value is not of type "array"'
    ]


async def test_faults_of_an_input_are_bounded(checker):
    assert len(await checker.check(NUMBERS, json.dumps({"data": {"values": ["x"] * 1000}}))) == 20
    found = await checker.check(NUMBERS, json.dumps({"data": {"values": ["x" * 1000] * 15}}))
    assert [len(fault.message) for fault in found] == [300] * 15


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({"type": "nope"}, 'schema["type"]'),
        ({"$ref": "http://127.0.0.1:9/x.json"}, "outside of the schema"),
        ({"$ref": "file:///etc/passwd"}, "outside of the schema"),
        ({"$ref": "#/$defs/missing"}, "missing"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "2020-12"),
        ({"pattern": "("}, "regex"),
        ({"pattern": "(?=a)b"}, "regex"),
        ({"description": "x" * 70_000}, "65,536"),
    ],
)
async def test_schemas_that_cannot_be_used(checker, schema, part):
    with pytest.raises(SchemaUnusableError, match=part.replace("[", r"\[")):
        await checker.check_schema(schema)
    with pytest.raises(SchemaUnusableError):
        await checker.check(schema, "{}")


def bomb():
    """Each level has two ways into the next: two to the power of thirty."""
    definitions = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, "d30": {"type": "integer"}}}


async def test_hostile_schemas_end_and_the_next_check_works(checker):
    started = time.monotonic()
    with pytest.raises(SchemaTimeoutError):
        await checker.check(bomb(), "1")
    assert time.monotonic() - started < 10
    assert await checker.check(NUMBERS, '{"data": {}}') == ()
    assert await checker.check({"pattern": "^(a+)+$"}, json.dumps("a" * 50_000 + "b"))


async def test_a_long_list_of_the_wrong_kind_is_said_at_once(checker):
    """All three hundred thousand faults would take half a minute and half a gigabyte."""
    schema = {"properties": {"a": {"items": {"type": "string"}}}}
    (fault,) = await checker.check(schema, json.dumps({"a": [1] * 300_000}))
    assert (fault.path, fault.message) == ('$["a"][0]', '1 is not of type "string"')


async def test_a_large_output_has_more_time_and_memory_and_one_that_needs_too_much_ends(checker, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS_PER_BYTE", 30 / 1024**2)  # the machine may be busy
    numbers = "[" + ",".join(["1.25"] * 3_000_000) + "]"
    fits, ordinary = await asyncio.gather(
        checker.check({"items": {"type": "number"}}, numbers), checker.check(NUMBERS, "{}")
    )
    assert fits == ()
    assert len(ordinary) == 1
    (fault,) = await checker.check({}, "[" + ",".join(["{}"] * 5_500_000) + "]")
    assert "MemoryError" in fault.message
    assert await checker.check(NUMBERS, '{"data": {}}') == ()


@pytest.mark.parametrize("python", ["/bin/false", "/not/there"])
async def test_a_checker_that_does_not_start_says_so(checker, monkeypatch, python):
    monkeypatch.setattr(sys, "executable", python)
    with pytest.raises(CheckerUnavailableError):
        await checker.check(NUMBERS, "{}")
    monkeypatch.undo()
    assert await checker.check(NUMBERS, '{"data": {}}') == ()


async def test_a_killed_worker_is_replaced(checker):
    await checker.check(NUMBERS, '{"data": {}}')
    for process in list(checker._small.running):
        process.kill()
        await process.wait()
    assert await checker.check(NUMBERS, '{"data": {}}') == ()


async def test_many_inputs_are_checked_at_once(checker):
    texts = [json.dumps({"data": {"values": [number]}}) for number in range(50)]
    assert await asyncio.gather(*(checker.check(NUMBERS, text) for text in texts)) == [()] * 50


async def test_a_caller_that_goes_away_leaves_no_answer_for_the_next(checker):
    task = asyncio.create_task(checker.check(bomb(), "1"))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await checker.check(NUMBERS, '{"data": {}}') == ()
    assert await checker.check(NUMBERS, "{}")


async def test_numbers_beyond_the_largest_are_numbers(checker):
    schema = {"type": "array", "items": {"type": "number"}}
    assert await checker.check(schema, "[1e400, -1e400]") == ()
    assert len(await checker.check(schema, '[1e400, "a"]')) == 1
