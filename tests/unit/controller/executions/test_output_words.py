"""What the output of a run says stands in its message, also where the output itself does not fit into status."""

import json
from collections.abc import AsyncIterator, Mapping

import pytest

from serviceexecution.controller.executions.output_check import LOOKED_INTO_BYTES
from serviceexecution.executions.verdict import MAIN_OUTPUT_LIMIT
from tests.unit.controller.harness import World
from tests.unit.executions.builders import ended, file, log, manifest, running

LONG = "x" * MAIN_OUTPUT_LIMIT
PROBLEM = {
    "type": "about:blank",
    "title": "ValidationError",
    "status": 500,
    "detail": f"42 errors for Data {LONG}",
}


async def end_with(world: World, exit_code: int, files: Mapping[str, bytes]) -> str:
    """Let a run end with these files; returns the message of its status."""
    world.apply()
    await world.controller.run()
    world.pod(running())
    await world.controller.run()
    reference = world.execution.reference
    for path, content in files.items():

        async def chunks(content: bytes = content) -> AsyncIterator[bytes]:
            yield content

        await world.store.outputs.of(reference, 1).write(path, chunks())
    listed = [file(path, size=len(content)) for path, content in files.items()]
    await world.store.outputs.commit(reference, manifest(*listed))
    await world.store.logs.commit(reference, log())
    world.pod(ended(exit_code))
    await world.controller.run()
    return str(world.execution.status.message)


@pytest.mark.parametrize(
    "files",
    [
        {"output.json": json.dumps(PROBLEM).encode()},
        {"output.json": b'{"partial": [1, 2]}', "problem.json": json.dumps(PROBLEM).encode()},
        {"output.json": f'["{LONG}"]'.encode(), "problem.json": json.dumps(PROBLEM).encode()},
        {"problem.json": json.dumps(PROBLEM).encode()},
    ],
    ids=["long", "beside", "beside-long", "without-main-result"],
)
async def test_a_failure_has_the_words_of_its_problem_wherever_it_stands(
    world: World, files: dict[str, bytes]
) -> None:
    said = await end_with(world, 1, files)
    assert world.said() == ("Failed", "ProgramFailed")
    assert "Its exit code is 1. ValidationError: 42 errors for Data xxx" in said
    assert len(said) < 1000


async def test_a_main_result_that_is_a_problem_says_best_what_failed(world: World) -> None:
    own = {**PROBLEM, "title": "Mine", "detail": "said by the program"}
    files = {"output.json": json.dumps(own).encode(), "problem.json": json.dumps(PROBLEM).encode()}
    assert "Its exit code is 1. Mine: said by the program" in await end_with(world, 1, files)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b'{"a": "' + LONG.encode(),
            "output.json is kept as it is, but is no JSON: Unterminated string starting at",
        ),
        (
            b'{"a": NaN, "b": "' + LONG.encode() + b'"}',
            "output.json is kept as it is, but is no JSON: NaN is not",
        ),
        (b"\xff" * (MAIN_OUTPUT_LIMIT + 1), "output.json is kept as it is, but is not UTF-8"),
        (b" " * (MAIN_OUTPUT_LIMIT + 1), "output.json is kept as it is, but is empty"),
    ],
    ids=["cut-off", "not-a-number", "no-text", "blank"],
)
async def test_a_long_main_result_that_is_no_json_is_told(world: World, content: bytes, said: str) -> None:
    assert said in await end_with(world, 0, {"output.json": content})
    assert world.said() == ("Succeeded", "Succeeded")
    status = world.execution.status
    assert status.result is not None
    assert said in str(status.result.message)
    assert status.result.output is None


@pytest.mark.parametrize(
    "content", [b'{"a": "' + LONG.encode() + b'"}', b"x" * (LOOKED_INTO_BYTES + 1)], ids=["json", "too-long"]
)
async def test_nothing_is_said_of_json_and_of_what_is_too_long_to_look_into(
    world: World, content: bytes
) -> None:
    assert await end_with(world, 0, {"output.json": content}) == "The program ended with exit code 0."
