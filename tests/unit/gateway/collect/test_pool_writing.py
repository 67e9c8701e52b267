"""What pods may say of states of data pools, and what becomes of it."""

from datetime import UTC, datetime

import pytest

from serviceexecution.gateway.collect.pool_claims import NOT_KEPT, PoolClaim, pool_claims
from serviceexecution.gateway.collect.pools.changed_state import LONGEST_LINE, ChangedFile, ChangeReader
from serviceexecution.gateway.collect.pools.receiving import changes_of
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.store.pools.pool_writes import Brought, BroughtFile, brought_by
from serviceexecution.store.pools.records import PoolFile, file_id

UID = "0f3c2f5e-6a8e-4a53-9a2c-4c8d3a1d2b11"
NOW = datetime(2026, 11, 28, tzinfo=UTC)
ONE, TWO = "1" * 64, "2" * 64


def read(*pieces, most=10):
    reader = ChangeReader(most)
    for piece in pieces:
        for _ in reader.feed(piece):
            pass
    return reader.end()


def line(name, size=1, digest=ONE):
    return f'["{name}",{size},"{digest}"]\n'.encode()


def test_changes_are_read_however_they_are_cut():
    text = line("a") + b'["b"]\n' + line("c", 0, TWO) + b"3"
    wanted = {"a": ChangedFile("a", 1, ONE), "b": ChangedFile("b"), "c": ChangedFile("c", 0, TWO)}
    assert read(text) == wanted
    assert read(*(text[at : at + 1] for at in range(len(text)))) == wanted


@pytest.mark.parametrize(
    "text",
    [
        b"",
        line("a"),
        line("a") + b"2",
        line("a") * 2 + b"2",
        line("../a") + b"1",
        line("a", -1) + b"1",
        line("a", 2**63) + b"1",
        line("a", 1, "x" * 64) + b"1",
        b'["a",true,"' + ONE.encode() + b'"]\n1',
        b'["a",1]\n1',
        b"[]\n1",
        b"{}\n1",
        b"[" * 500 + b"\n1",
        b"x" * (LONGEST_LINE + 1),
    ],
)
def test_texts_that_are_no_changes_are_refused(text):
    with pytest.raises(Problem) as refused:
        read(text)
    assert refused.value.status == 400


def test_more_files_than_a_pool_may_have_are_refused():
    with pytest.raises(Problem) as refused:
        read(line("a") + line("b") + b"2", most=1)
    assert (refused.value.status, refused.value.code) == (413, "TooManyFiles")


def old(name, digest, blob):
    return PoolFile(
        name=name, id=file_id(UID, name), sha256=digest, size=1, content_type="x/y", created_at=NOW, blob=blob
    )


def test_content_that_the_pool_has_is_not_kept_twice():
    changed = {name: ChangedFile(name, 1, ONE) for name in ("new", "a")}
    changes = changes_of(
        UID, changed, brought_by([]), [old("a", TWO, "f" * 32), old("b", ONE, "e" * 32)], NOW
    )
    files = {change.file.name: change.file for change in changes if change.file is not None}
    assert {file.blob for file in files.values()} == {"e" * 32}
    assert (files["a"].content_type, files["new"].content_type) == ("x/y", "application/octet-stream")


def test_a_file_that_is_as_it_was_is_no_change():
    assert (
        changes_of(UID, {"a": ChangedFile("a", 1, ONE)}, brought_by([]), [old("a", ONE, "f" * 32)], NOW) == []
    )


def test_content_counts_only_for_the_file_that_it_was_brought_for():
    brought = Brought({BroughtFile(file_id(UID, "a"), ONE, 1): "f" * 32}, frozenset(), 1, 1)
    (change,) = changes_of(UID, {"a": ChangedFile("a", 1, ONE)}, brought, [], NOW)
    assert change.file is not None
    assert change.file.blob == "f" * 32
    with pytest.raises(Problem) as refused:
        changes_of(UID, {"b": ChangedFile("b", 1, ONE)}, brought, [], NOW)
    assert (refused.value.code, refused.value.members) == ("FileMismatch", {"path": "b"})


def test_only_names_of_ours_say_what_was_brought():
    identifier = file_id(UID, "a")
    names = [f"{identifier}.{'f' * 32}.{ONE}.7", f"index.{TWO}", "other", f"{identifier}.{'f' * 32}.{ONE}.x"]
    brought = brought_by(names)
    assert brought == Brought({BroughtFile(identifier, ONE, 7): "f" * 32}, frozenset({TWO}), 7, 1)


@pytest.mark.parametrize(
    ("said", "claim"),
    [
        ({"index": ONE}, PoolClaim(ONE)),
        ({"index": "../x"}, PoolClaim(reason=NOT_KEPT)),
        ({"reason": "TooManyFiles", "message": "m" * 2000}, PoolClaim("", "TooManyFiles", "m" * 1000)),
        ({"reason": "<b>"}, PoolClaim(reason=NOT_KEPT)),
        ({"reason": 7, "message": []}, PoolClaim(reason=NOT_KEPT)),
    ],
)
def test_claims_are_held_to_their_form(said, claim):
    assert pool_claims([{"property": "p", **said}]) == {"p": claim}


@pytest.mark.parametrize("value", [None, "x", 7, {}, [7], [[]]])
def test_what_is_no_list_of_claims_claims_nothing(value):
    assert pool_claims(value) == {}
