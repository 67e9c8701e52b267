"""``--output json``: every command that prints facts has it, and prints one document and nothing else on stdout."""

import json
from types import SimpleNamespace

import pytest

from tests.support.command_tree import COMMANDS

REVISIONS = [{"name": "r9", "phase": "Succeeded"}, {"name": "r2", "phase": "Succeeded"}]

WITHOUT = {
    "builds logs": "prints a program's text as it comes",
    "logs": "prints a program's text as it comes",
    "open": "shows a page until it is ended",
    "console": "shows a page until it is ended",
    "serve": "serves until it is ended",
    "mcp": "speaks with an agent until it is ended",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_prints_facts_prints_them_as_json(command):
    options = {option for parameter in COMMANDS[command].params for option in parameter.opts}
    assert ("--output" in options) != (command in WITHOUT)


def test_no_command_is_left_out_that_is_not_there():
    assert set(WITHOUT) <= set(COMMANDS)


@pytest.fixture
def plot(cluster):
    found = cluster.definition(
        "plot", status={"phase": "Ready", "revision": "r9", "observedGeneration": 1, "revisions": REVISIONS}
    )

    def operator(definition):
        definition["status"]["observedGeneration"] = definition["metadata"]["generation"]
        definition["status"]["revision"] = definition["spec"].get("revision") or "r9"

    cluster.after_apply = operator
    return found


def document(answer, code=0):
    assert answer[0] == code, answer
    return json.loads(answer[1])


def test_cancel(cluster, sx):
    cluster.execution("runs", status={"phase": "Running"})
    cluster.execution("ended", status={"phase": "Succeeded"})
    found = document(sx("cancel", "runs", "-o", "json"))
    assert (found["id"], found["phase"], found["cancelling"]) == ("runs", "Running", True)
    assert document(sx("cancel", "ended", "-o", "json"))["cancelling"] is False


def test_result(cluster, sx, tmp_path):
    name = "00000000-0000-4000-8000-000000000001"
    cluster.execution(name, spec={"serviceRef": {"name": "plot"}}, status={"phase": "Succeeded"})
    cluster.files = {"output.json": '{"sum": 1.0}', "plot.png": "pixels"}
    found = document(sx("result", name, "--output", "json"))
    assert (found["id"], found["result"], found["files"]) == (name, {"sum": 1.0}, ["plot.png"])
    found = document(sx("result", name, "-o", tmp_path, "--output", "json"))
    assert {"path": str(tmp_path / "plot.png"), "bytes": 6} in found["files"]


def test_result_of_a_failure(cluster, sx):
    cluster.execution("bad", status={"phase": "Failed", "message": "It ended with 1."})
    answer = sx("result", "bad", "--output", "json")
    assert document(answer, 4)["message"] == "It ended with 1."
    assert "The execution failed: It ended with 1." in answer[2]


def test_builds_cancel_and_rollback(cluster, plot, sx):
    assert document(sx("rollback", "plot", "r2", "-o", "json")) == {
        "service": "plot",
        "serving": "r2",
        "before": "r9",
        "pinned": "r2",
    }
    plot["status"]["revisions"] = [{"name": "r11", "phase": "Running"}, *REVISIONS]
    found = document(sx("builds", "cancel", "plot", "-o", "json"))
    assert found == {"service": "plot", "revision": "r11", "cancelling": True}


def test_init(sx, tmp_path):
    found = document(sx("init", "docker", "words", "--directory", tmp_path / "words", "-o", "json"))
    assert found["name"] == "words"
    assert str(tmp_path / "words" / "Dockerfile") in found["files"]


def test_revoke(monkeypatch, sx):
    monkeypatch.setattr("serviceexecution.cli.commands.access_key._with_cluster", lambda _: None)
    assert document(sx("access-key", "revoke", "team-a.k0", "-o", "json")) == {
        "id": "team-a.k0",
        "revoked": True,
    }


def test_pool_commands(cluster, sx, monkeypatch, tmp_path):
    there = {"old": SimpleNamespace(name="old", size=3, sha256="")}
    client = SimpleNamespace(
        files=lambda: there,
        put=lambda *_: None,
        delete=lambda _: None,
        get_all=lambda files, _: [(file.name, file.size) for file in files],
    )
    monkeypatch.setattr("serviceexecution.cli.commands.pool.client_of", lambda *_: client)
    (tmp_path / "new").write_text("1,2")
    sx("pool", "create", "readings")
    assert document(sx("pool", "put", "readings", tmp_path / "new", "-o", "json")) == [
        {"name": "new", "bytes": 3, "sent": True}
    ]
    assert document(sx("pool", "get", "readings", "-d", tmp_path, "-o", "json")) == [
        {"name": "old", "path": str(tmp_path / "old"), "bytes": 3}
    ]
    assert document(sx("pool", "rm", "readings", "old", "-o", "json")) == {
        "dataPool": "readings",
        "deleted": False,
        "deletedFiles": ["old"],
    }
    assert document(sx("pool", "rm", "readings", "-y", "-o", "json"))["deleted"] is True
