"""Controller 8c: an object nested 5,000 deep ends by itself, and stops neither process.

Fails on 9b98b50: json.loads gave up at a thousand levels, so that each list and each watch of controller and gateway
raised, until somebody had deleted the object by hand.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from serviceexecution.gateway.state.definition_index import DefinitionIndex, definition_of_text
from serviceexecution.kube.answers import decode_object
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import JOBS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.process.nesting import LEVELS
from tests.attacks.deep_json import deep, levels
from tests.unit.controller.conftest import world
from tests.unit.controller.harness import World

__all__ = ["levels", "world"]
RUNTIME = {"docker": {"image": "a:1"}}


@pytest.mark.parametrize("lists", [False, True], ids=["objects", "lists"])
class TestTheController:
    @pytest.mark.parametrize("field", ["input", "podTemplate", "affinity"])
    async def test_an_execution_ends_and_names_the_field(self, world: World, field: str, lists: bool):
        world.apply(**{"inputJson": None, field: deep(lists=lists)})
        await world.controller.run()
        phase, reason = world.said_raw()
        assert (phase, reason) == ("Failed", "InvalidInput" if field == "input" else "InvalidSpec")
        assert f"spec.{field}" in message(world)
        assert len(message(world)) < 1_000
        assert world.kubernetes.one(JOBS) is None

    async def test_so_does_a_run_of_a_service(self, world: World, lists: bool):
        define(world)
        world.apply(runtime=None, serviceRef={"name": "adder"}, inputJson=None, input=deep(lists=lists))
        await world.controller.run()
        assert world.said_raw() == ("Failed", "InvalidInput")
        assert "spec.input" in message(world)

    @pytest.mark.parametrize("field", ["inputSchema", "outputSchema", "podTemplate", "affinity"])
    async def test_a_service_says_so(self, world: World, field: str, lists: bool):
        define(world, **{field: deep(lists=lists)})
        await world.controller.watch()
        await world.controller.reconcile_service((await world.controller.services())[0])
        body: Any = world.kubernetes.one(SERVICE_DEFINITIONS)
        (ready,) = body["status"]["conditions"]
        assert (ready["status"], ready["reason"]) == ("False", "Invalid")
        assert f"spec.{field}" in ready["message"]
        assert len(ready["message"]) < 1_000

    async def test_what_was_taken_is_too_deep(self, world: World, lists: bool):
        """Only who may write statuses makes such a one."""
        world.apply(runtime=None, serviceRef={"name": "adder"})
        taken = {"name": "adder", "uid": "u", "generation": 1, "fields": {"podTemplate": deep(lists=lists)}}
        body: Any = {"status": {"service": taken}}
        world.kubernetes.change(SERVICE_EXECUTIONS, "team", "sum", body)
        await world.controller.run()
        assert world.said_raw()[0] == "Failed"


class TestTheGateway:
    def test_a_service_that_cannot_be_read_is_none(self):
        body: Any = {
            "metadata": {
                "name": "adder",
                "namespace": "team",
                "uid": "u",
                "creationTimestamp": "2026-03-01T12:00:00Z",
            },
            "spec": {"runtime": RUNTIME, "inputSchema": deep()},
        }
        index = DefinitionIndex()
        known = index.put(body)
        assert known is not None
        text = index.text(known)
        assert text is None or definition_of_text(text) is None, "nobody runs it or is shown its text"


class TestParsing:
    def test_all_that_an_api_server_takes_is_parsed(self):
        text = json.dumps({"items": [{"spec": {"input": deep(depth=9_990)}}]}).encode()
        assert list(decode_object(text)) == ["items"]

    def test_what_is_deeper_yet_is_an_answer_that_cannot_be_read(self):
        text = b'{"a":' * (2 * LEVELS) + b"1" + b"}" * (2 * LEVELS)
        with pytest.raises(KubernetesError, match="nested") as caught:
            decode_object(text)
        assert len(str(caught.value)) < 1_000

    def test_the_stack_holds_it_in_all_threads(self):
        """In a process of its own: what ends it is a signal."""
        program = """
import json, threading
from serviceexecution.process.nesting import take_deep_objects
take_deep_objects()
def work():
    for opening, closing in (('{"a":', "}"), ("[", "]")):
        value = json.loads(opening * 9_999 + "1" + closing * 9_999)
        json.dumps(value)
        try:
            repr(value)
            json.loads(opening * 99_999 + "1" + closing * 99_999)
        except RecursionError:
            print("refused")
thread = threading.Thread(target=work)
thread.start()
thread.join()
work()
"""
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": ":".join(sys.path)},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["refused"] * 4


def define(world: World, **spec: Any) -> None:
    body: Any = {
        "metadata": {"name": "adder", "namespace": "team"},
        "spec": {"runtime": RUNTIME, **spec},
    }
    world.kubernetes.put(SERVICE_DEFINITIONS, body)


def message(world: World) -> str:
    body: Any = world.kubernetes.one(SERVICE_EXECUTIONS)
    return str(body["status"]["message"])
