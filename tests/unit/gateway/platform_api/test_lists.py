"""Which executions a list of the platform's API shows, without a gateway."""

import fnmatch
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.executions.choice import chosen
from serviceexecution.gateway.platform_api.executions.query import Sort, Wanted, fits, wanted_of
from serviceexecution.gateway.service_api.documents.execution_document import STATUSES
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.resources.executions.execution_status import Phase

START = datetime(2026, 11, 1, tzinfo=UTC)


def execution(number, **more):
    created = START + timedelta(minutes=number)
    facts = {"namespace": "n", "name": f"e{number}", "uid": f"u{number}", "version": 1, "service": "s"}
    return KnownExecution(created=created, **{**facts, **more})


def names(known, wanted):
    return [one.name for one in chosen(known, wanted, {"s": "uid-of-s"}, lambda one: one.uid)]


@given(st.text("ab-", max_size=8), st.text("ab-*", max_size=8))
def test_a_pattern_fits_as_a_shell_would_say(text, pattern):
    parts = tuple(pattern.split("*"))
    if len(parts) > 1:
        assert fits(text, parts) == fnmatch.fnmatchcase(text, pattern)


def test_the_newest_come_first_and_equal_values_keep_that_order():
    known = [execution(number) for number in range(4)]
    assert names(known, Wanted()) == ["e3", "e2", "e1", "e0"]
    assert names(known, Wanted(sorts=(Sort("status", descending=True),))) == ["e3", "e2", "e1", "e0"]


def test_what_has_no_value_comes_last_and_first_the_other_way_round():
    known = [execution(0), execution(1, start_time=START), execution(2)]
    assert names(known, Wanted(sorts=(Sort("startedAt", descending=False),))) == ["e1", "e2", "e0"]
    assert names(known, Wanted(sorts=(Sort("startedAt", descending=True),)))[-1] == "e1"


def test_the_first_of_several_sorts_counts_most():
    known = [execution(0, service="b"), execution(1, service="a"), execution(2, service="b")]
    uids = {"a": "1", "b": "2"}
    wanted = wanted_of(QueryParams([("sort", "serviceId,desc"), ("sort", "createdAt,asc")]))
    assert [one.name for one in chosen(known, wanted, uids, lambda one: one.uid)] == ["e0", "e2", "e1"]


def test_both_ends_of_a_time_count():
    known = [execution(number) for number in range(5)]
    wanted = Wanted(after=known[1].created, before=known[3].created)
    assert names(known, wanted) == ["e3", "e2", "e1"]


def test_an_execution_whose_tags_are_not_remembered_may_fit():
    known = [execution(0, cut=True), execution(1, tags=("Other",)), execution(2, tags=("THIS",))]
    assert names(known, Wanted(tags=frozenset({"this"}))) == ["e2", "e0"]


@pytest.mark.parametrize("text", ["2026-11-01T12:30:00", "2026-11-01T12:30:00Z", "2026-11-01T18:00:00+05:30"])
def test_a_time_without_an_offset_is_utc(text):
    wanted = wanted_of(QueryParams({"createdAfter": text}))
    assert wanted.after == datetime(2026, 11, 1, 12, 30, tzinfo=UTC)


def test_a_status_and_a_text_choose_executions():
    known = [
        execution(0, phase=Phase.RUNNING, tags=("Nightly",)),
        execution(1, phase=Phase.FAILED, message="The program ended with exit code 3."),
        execution(2),
    ]
    assert names(known, wanted_of(QueryParams({"status": "running,pending"}))) == ["e2", "e0"]
    assert names(known, wanted_of(QueryParams({"text": "NIGHT"}))) == ["e0"]
    assert names(known, wanted_of(QueryParams({"text": "exit code 3"}))) == ["e1"]
    assert names(known, wanted_of(QueryParams({"text": "u2", "status": "FAILED"}))) == []


@pytest.mark.parametrize("query", [{"status": "DONE"}, {"text": "x" * 257}])
def test_a_wrong_filter_is_named(query):
    with pytest.raises(Problem, match=next(iter(query))):
        wanted_of(QueryParams(query))


WORDS = st.sampled_from(["a", "b", "ab", "B"])
EXECUTIONS = st.lists(
    st.fixed_dictionaries(
        {
            "service": WORDS,
            "service_uid": st.sampled_from([None, "uid-a", "uid-old"]),
            "access_key": st.sampled_from([None, "key"]),
            "phase": st.sampled_from([None, Phase.RUNNING, Phase.FAILED]),
            "reason": st.none() | WORDS,
            "message": st.none() | WORDS,
            "tags": st.lists(WORDS, max_size=2).map(tuple),
            "cut": st.booleans(),
        }
    ),
    max_size=8,
)
WANTED = st.builds(
    Wanted,
    after=st.none() | st.integers(0, 8).map(lambda minutes: START + timedelta(minutes=minutes)),
    before=st.none() | st.integers(0, 8).map(lambda minutes: START + timedelta(minutes=minutes)),
    application=st.sampled_from([None, "key"]),
    service=st.sampled_from([None, "uid-a", "uid-old"]),
    tags=st.frozensets(st.sampled_from(["a", "b"]), max_size=2),
    statuses=st.frozensets(st.sampled_from(["RUNNING", "FAILED", "UNKNOWN"]), max_size=2),
    text=st.sampled_from(["", "a", "b", "e1", "u2"]),
    ids=st.frozensets(st.sampled_from(["u1", "e2"]), max_size=2),
    patterns=st.lists(st.sampled_from([("u", ""), ("", "2"), ("e", "")]), max_size=1).map(tuple),
)


def passes(one, wanted, api_id):
    """Say plainly what a list shows."""
    words = [api_id, one.name, one.service, one.reason or "", one.message or "", *one.tags]
    by_id = api_id in wanted.ids or any(fits(api_id, parts) for parts in wanted.patterns)
    uid = one.service_uid or {"a": "uid-a"}.get(one.service)
    return (
        (wanted.after is None or one.created >= wanted.after)
        and (wanted.before is None or one.created <= wanted.before)
        and wanted.application in {None, one.access_key}
        and wanted.service in {None, uid}
        and (not wanted.tags or one.cut or any(tag.lower() in wanted.tags for tag in one.tags))
        and (not wanted.statuses or STATUSES[one.phase] in wanted.statuses)
        and (not wanted.text or any(wanted.text in word.lower() for word in words))
        and (not wanted.by_id or by_id)
    )


@given(EXECUTIONS, WANTED, st.booleans())
def test_all_filters_together_choose_what_each_lets_pass(facts, wanted, by_name):
    known = [execution(number, **one) for number, one in enumerate(facts)]

    def id_of(one):
        return one.name if by_name else one.uid

    found = chosen(known, wanted, {"a": "uid-a"}, id_of)
    assert found == [one for one in reversed(known) if passes(one, wanted, id_of(one))]
