"""``sx mcp``, driven by the SDK's own client: as a process over standard input and output, and in this process."""

import contextlib
import json
import os
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from serviceexecution.cli.agents.calls import Calls, Wish
from serviceexecution.cli.agents.server import AgentServer
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.session import open_session

CHECKOUT = Path(__file__).parents[3]
ID = "00000000-0000-4000-8000-000000000001"
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {"degree": {"type": "integer", "description": "of the \u202ecurve"}},
    "required": ["degree"],
    "x-secrets": ["api_token"],
}


def ends(phase, message="The program ended with exit code 0."):
    def after(execution):
        execution["spec"]["tags"] = json.loads(execution["spec"]["body"])["$tags"]
        execution["status"] = {
            "phase": phase,
            "message": message,
            "startTime": "2026-01-01T00:00:00Z",
            "completionTime": "2026-01-01T00:00:05Z",
        }

    return after


@pytest.fixture
def plot(cluster):
    cluster.definition(
        "plot",
        spec={"displayName": "Plot", "description": "Draws \x1b[31mcurves\x07.", "inputSchema": SCHEMA},
        status={"phase": "Ready"},
    )
    cluster.after_submit = ends("Succeeded")
    cluster.files = {"output.json": '{"sum": 6.0}', "a.png": "pixels"}
    return cluster


@contextlib.asynccontextmanager
async def process(*options):
    variables = {**os.environ, "PYTHONPATH": str(CHECKOUT / "operator"), "SECRET_API_TOKEN": "t0ken"}
    command = ["-m", "serviceexecution.cli.main", "mcp", *map(str, options)]
    server = stdio_client(StdioServerParameters(command=sys.executable, args=command, env=variables))
    async with Client(server) as client:
        yield client


@contextlib.asynccontextmanager
async def agent(**wish):
    with open_session(gateway="sx-system/sx-gateway") as session:
        async with Client(AgentServer(Calls(session, Wish(**wish)), "").server) as client:
            yield client


async def ask(client, tool, /, **arguments):
    """Call a tool; gives its document."""
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content[0].text
    return json.loads(answer.content[0].text)


async def refusal(client, tool, /, **arguments):
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return answer.content[0].text


async def test_a_service_is_a_tool_that_runs_it_and_tells_how_it_goes(plot):
    said = []

    async def heard(_, __, message):
        said.append(message)

    async with process("--wait", "10s", "--secret", "api_token") as client:
        listed = await client.list_tools()
        (tool,) = [one for one in listed.tools if one.name.startswith("run_")]
        assert (tool.name, tool.title, tool.description) == ("run_plot", "Plot", "Draws curves.")
        assert tool.input_schema == {
            "$schema": SCHEMA["$schema"],
            "properties": {"degree": {"type": "integer", "description": "of the curve"}},
            "required": ["degree"],
            "type": "object",
        }
        assert len(json.dumps([one.model_dump(mode="json") for one in listed.tools])) < 16 * 1024
        answer = await client.call_tool("run_plot", {"degree": 2}, progress_callback=heard)
    found = json.loads(answer.content[0].text)
    assert (found["id"], found["phase"], found["result"]) == (ID, "Succeeded", {"sum": 6.0})
    assert found["files"] == [{"path": "a.png", "bytes": 6}]
    assert said[-1] == "Succeeded: The program ended with exit code 0."
    ((_, _, _, body),) = plot.requests("POST", "/services/team-a/plot")
    assert json.loads(body) == {"degree": 2, "$secrets": {"api_token": "t0ken"}, "$tags": ["mcp"]}


async def test_numbers_that_are_no_json_are_named_with_what_to_do():
    with pytest.raises(CommandError, match="NaN, Infinity or -Infinity, which are no JSON: leave them out"):
        object.__new__(Calls).start("plot", {"degree": float("nan")})  # Before it asks the cluster


async def test_a_run_that_takes_longer_than_its_caller_waits_is_asked_for_later(plot):
    def runs(execution):
        ends("Succeeded")(execution)
        execution["status"] = {"phase": "Running", "message": "The program is running."}

    plot.after_submit = runs
    async with agent(patience=0.0) as client:
        found = await ask(client, "services_run", service="plot", input={"degree": 1})
        assert (found["phase"], "executions_result" in found["note"]) == ("Running", True)
        assert (await ask(client, "executions_status", id=ID))["phase"] == "Running"
        assert (await ask(client, "executions_cancel", id=ID))["cancelling"] is True
        plot.execution(ID, spec={}, status={"phase": "Succeeded"})
        assert (await ask(client, "executions_result", id=ID))["result"] == {"sum": 6.0}


async def test_a_failure_comes_with_the_end_of_the_log(plot):
    plot.after_submit = ends("Failed", "The program ended with exit code 1.")
    plot.logs[ID] = [f"line {number}" for number in range(100)]
    async with agent() as client:
        found = json.loads(await refusal(client, "run_plot", degree=1))
        assert found["message"] == "The program ended with exit code 1."
        assert found["log"][-1] == "line 99"
        assert found["earlierLines"] == 70


async def test_what_programs_write_is_bounded_and_cannot_steer(plot):
    plot.execution(ID, status={"phase": "Succeeded", "message": "m" * 9000})
    plot.logs[ID] = ["\x1b[2J\x1b]52;c;aGk=\x07\u202ehi\U000e0041", "x" * 100_000, *["y" * 1000] * 500]
    plot.files = {"output.json": '{"text": "' + "z" * 1_000_000, **{f"f{n}": "1" for n in range(1000)}}
    async with agent() as client:
        found = await ask(client, "executions_log", id=ID, lines=1000)
        assert sum(map(len, found["log"])) <= 32 * 1024
        assert len(found["log"]) + found["earlierLines"] == 502
        assert len(found["message"]) == 1000
        found = await ask(client, "executions_log", id=ID, contains="hi")
        assert found["log"] == ["[2J]52;c;aGk=hi"]
        found = await ask(client, "executions_result", id=ID)
        assert len(found["result"]) == 64 * 1024
        assert len(found["files"]) == 200
        assert found["filesNotNamed"] == 800


async def test_only_what_an_agent_has_started_is_cancelled_by_one(plot):
    plot.execution("of-a-person", status={"phase": "Running"})
    async with agent() as client:
        assert "was not started by an agent" in await refusal(client, "executions_cancel", id="of-a-person")
    assert not plot.requests("PATCH")


async def test_secrets_come_from_the_person_and_only_where_they_are_asked_for(plot):
    plot.definition("other")
    async with agent(secrets={"api_token": "t0ken", "rest": "r"}) as client:
        await ask(client, "run_plot", degree=1)
        await ask(client, "run_other")
        assert "not taken from an agent" in await refusal(client, "run_plot", **{"$secrets": {"a": "b"}})
    first, second = (json.loads(body) for _, _, _, body in plot.requests("POST", "/services/"))
    assert first["$secrets"] == {"api_token": "t0ken"}
    assert "$secrets" not in second


async def test_an_agent_sees_the_services_that_it_was_given(plot):
    plot.definition("other")
    plot.execution("of-plot", spec={"serviceRef": {"name": "plot"}}, status={"phase": "Succeeded"})
    plot.execution("of-none", status={"phase": "Succeeded"})
    async with agent(only=frozenset({"other"})) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert "run_other" in tools
        assert "run_plot" not in tools
        assert [one["service"] for one in (await ask(client, "services_list"))["services"]] == ["other"]
        for name, arguments in (("run_plot", {"degree": 1}), ("services_describe", {"service": "plot"})):
            assert "without the service plot" in await refusal(client, name, **arguments)
        assert (await ask(client, "executions_list"))["executions"] == []
        for tool in ("status", "log", "result", "cancel"):
            assert "without the service plot" in await refusal(client, f"executions_{tool}", id="of-plot")
        assert "is of none" in await refusal(client, "executions_status", id="of-none")


async def test_files_are_saved_where_the_person_has_said(plot, tmp_path):
    plot.execution(ID, status={"phase": "Succeeded"})
    async with agent(directory=tmp_path / "results") as client:
        found = await ask(client, "executions_result", id=ID, save=True)
    assert found["savedIn"] == str(tmp_path / "results" / ID)
    assert (tmp_path / "results" / ID / "a.png").read_text() == "pixels"


async def test_without_a_folder_nothing_is_saved(plot):
    plot.execution(ID, status={"phase": "Succeeded"})
    async with agent() as client:
        assert "save" in await refusal(client, "executions_result", id=ID, save=True)


async def test_hundreds_of_services_are_a_bounded_list_of_tools(plot):
    large = {"type": "object", "description": "d" * 15_000}
    for number in range(100):
        plot.definition(f"s{number:03}", spec={"inputSchema": large, "description": "x" * 8000})
    plot.definition("a-huge", spec={"inputSchema": {**large, "title": "t" * 60_000}})
    async with agent() as client:
        tools = (await client.list_tools()).tools
        assert sum(tool.name.startswith("run_") for tool in tools) == 64
        assert sum(len(json.dumps(tool.input_schema)) for tool in tools) < 300 * 1024
        huge = next(tool for tool in tools if tool.name == "run_a-huge")
        assert huge.input_schema == {"type": "object"}
        assert "services_describe" in huge.description
        assert len((await ask(client, "services_list"))["services"]) == 102
        assert (await ask(client, "services_run", service="s099"))["phase"] == "Succeeded"
        assert (await ask(client, "services_describe", service="s099"))["inputSchema"] == large
        assert "KiB" in (await ask(client, "services_describe", service="a-huge"))["note"]


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("run_none", {}, "There is no service none in namespace team-a"),
        ("none", {}, "There is no tool none"),
        ("executions_status", {}, "id: Field required"),
        ("executions_status", {"id": "../../etc"}, "There is no execution ../../etc"),
        ("executions_log", {"id": "x", "lines": 10**6}, "lines: "),
        ("executions_list", {"phase": "Done"}, "'Done' is none of"),
        ("services_run", {"service": "plot", "input": []}, "input: "),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(plot, tool, arguments, sentence):
    async with agent() as client:
        assert sentence in await refusal(client, tool, **arguments)


def test_without_the_extra_the_command_says_which(sx, monkeypatch):
    monkeypatch.setattr(
        "serviceexecution.cli.commands.mcp.find_spec", lambda name: None if name == "mcp" else 1
    )
    code, out, err = sx("mcp")
    assert (code, out) == (1, "")
    assert "pip install 'serviceexecution[mcp]'" in err
    monkeypatch.setattr("serviceexecution.cli.commands.mcp.find_spec", lambda _: None)
    assert "this one file leaves out" in sx("mcp")[2]
