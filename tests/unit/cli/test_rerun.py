"""``sx rerun``."""

import json

import pytest

from serviceexecution.cli.commands.rerun import json_changes, rerun_body, text_changes
from serviceexecution.cli.errors import CommandError

ENDED = {"phase": "Succeeded", "reason": "Succeeded"}


def test_members_are_json_where_they_can_be_and_keep_their_text(tmp_path):
    path = tmp_path / "data.json"
    path.write_text('{"values": [1.0]}')
    changes = json_changes(["shots=2000", "x=1.0", "name=plain text", "n=null", f"data=@{path}"])
    assert changes == {
        "shots": "2000",
        "x": "1.0",
        "name": '"plain text"',
        "n": "null",
        "data": '{"values": [1.0]}',
    }
    assert text_changes(["shots=2000", "a=b=c"]) == {"shots": '"2000"', "a": '"b=c"'}
    body = rerun_body(changes, {"token": "t0p"}, ["nightly"])
    assert b'"x":1.0' in body
    assert json.loads(body)["input"]["$secrets"] == {"token": "t0p"}
    assert json.loads(body)["tags"] == ["nightly"]


@pytest.mark.parametrize("option", ["shots", "=1", ""])
def test_what_is_no_member_is_refused(option):
    with pytest.raises(CommandError, match="NAME=VALUE"):
        json_changes([option])


def test_a_file_that_is_not_json_is_refused(tmp_path):
    path = tmp_path / "data"
    path.write_text("a, b")
    with pytest.raises(CommandError, match="not JSON"):
        json_changes([f"data=@{path}"])


def test_an_execution_is_run_again_with_its_changes(sx, cluster):
    cluster.execution("sum", spec={"serviceRef": {"name": "adder"}}, status=ENDED)
    code, out, errors = sx("rerun", "sum", "-i", "a=2", "--detach")
    assert code == 0, errors
    (request,) = cluster.requests("POST", "/adder/uid-sum/rerun")
    assert json.loads(request[3]) == {"input": {"a": 2}}
    assert out.strip()


def test_secrets_that_cannot_be_asked_for_are_named(sx, cluster):
    secrets = {"token": {"secretKeyRef": {"name": "sum", "key": "secret-1"}}}
    cluster.execution("sum", spec={"serviceRef": {"name": "adder"}, "secrets": secrets}, status=ENDED)
    code, _, errors = sx("rerun", "sum", "--detach")
    assert code == 1
    assert "--secret NAME=@FILE: token." in errors
    code, _, errors = sx("rerun", "sum", "--secret", "token=t0p", "--detach")
    assert code == 0, errors
    (request,) = cluster.requests("POST", "/rerun")
    assert json.loads(request[3])["input"] == {"$secrets": {"token": "t0p"}}


def test_an_execution_without_a_service_is_not_run_again(sx, cluster):
    cluster.execution("sum", status=ENDED)
    code, _, errors = sx("rerun", "sum")
    assert code == 1
    assert "no execution of a service" in errors
