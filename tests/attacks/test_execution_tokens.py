"""Tokens of executions, made up and stolen."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from serviceexecution.gateway.platform_api.executions.lineage import MOST_NODES, lineage
from serviceexecution.gateway.state.known_execution import KnownExecution, known_execution
from serviceexecution.resources.execution_token import execution_token, holder_of, is_same, token_digest

TOKEN = execution_token("default", "sum", "r" * 43)


def forged(members: object) -> str:
    return f"sxe.{base64.urlsafe_b64encode(json.dumps(members).encode()).decode()}.x"


def test_a_token_names_its_execution_and_is_known_by_its_digest():
    assert holder_of(TOKEN) == ("default", "sum")
    assert is_same(TOKEN, bytes.fromhex(token_digest(TOKEN)))
    assert not is_same(TOKEN + "r", bytes.fromhex(token_digest(TOKEN)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sxe.",
        "sxe..x",
        "sxe.%%%.x",
        "sxe.\u00fc.x",
        "sxe." + "A" * 100_000,
        "sxe." + base64.urlsafe_b64encode(b"[" * 700).decode() + ".x",
        forged([]),
        forged({"namespace": 1, "name": {}}),
        forged({"namespace": "default"}),
        "eyJhbGciOiJub25lIn0.e30.",
    ],
)
def test_what_is_no_token_is_of_nobody(text):
    assert holder_of(text) is None


@pytest.mark.parametrize("digest", ["", "x" * 64, "ab" * 31, "ab" * 33, None, 5, ["a"]])
def test_an_annotation_that_is_no_digest_lets_nobody_in(digest):
    metadata: Any = {
        "uid": "u",
        "name": "sum",
        "namespace": "default",
        "creationTimestamp": "2026-11-28T12:00:00Z",
        "annotations": {"serviceexecution.dev/execution-token": digest},
    }
    found = known_execution({"metadata": metadata, "spec": {"serviceRef": {"name": "a"}}})
    assert found is not None
    assert found.token is None


def known(uid: str, parent: str | None) -> KnownExecution:
    return KnownExecution("default", uid, uid, 1, "a", datetime(2026, 11, 28, tzinfo=UTC), parent=parent)


def test_circles_of_labels_are_walked_once():
    circle = [known("a", "c"), known("b", "a"), known("c", "b"), known("self", "self")]
    for one in circle:
        found, truncated = lineage(one, circle)
        assert not truncated
        assert {member.uid for member in found} == ({"self"} if one.uid == "self" else {"a", "b", "c"})


def test_a_long_chain_and_a_wide_tree_are_cut():
    chain = [known(f"n{number}", f"n{number - 1}" if number else None) for number in range(5000)]
    found, truncated = lineage(chain[-1], chain)
    assert (len(found), truncated) == (MOST_NODES, True)
    wide = [known("root", None), *(known(f"n{number}", "root") for number in range(5000))]
    found, truncated = lineage(wide[0], wide)
    assert (found[0].uid, len(found), truncated) == ("root", MOST_NODES, True)


def test_the_digest_of_a_token_is_of_no_use_as_one():
    assert holder_of(token_digest(TOKEN)) is None
    assert hashlib.sha256(token_digest(TOKEN).encode()).hexdigest() != token_digest(TOKEN)
