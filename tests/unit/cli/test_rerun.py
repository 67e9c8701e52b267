"""``sx rerun``."""

import json

import pytest

from serviceexecution.cli.commands.rerun import rerun_body
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.run.properties import Property

ENDED = {"phase": "Succeeded", "reason": "Succeeded"}


def test_members_keep_their_text():
    body = rerun_body([Property(("x",), "1.0"), Property(("ü",), '"a"')], {"token": "t0p"}, ["nightly"])
    assert b'"x":1.0' in body
    assert json.loads(body) == {
        "input": {"x": 1.0, "ü": "a", "$secrets": {"token": "t0p"}},
        "tags": ["nightly"],
    }


def test_a_part_of_a_member_is_not_changed():
    with pytest.raises(CommandError, match="whole members: give all of data"):
        rerun_body([Property(("data", "x"), "1")], {}, None)


def test_an_execution_is_run_again_with_its_changes(sx, cluster):
    cluster.execution("sum", spec={"serviceRef": {"name": "adder"}}, status=ENDED)
    code, out, errors = sx("rerun", "sum", "-i", "a:=2", "--detach")
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
