"""The spans of an execution, as its status tells them."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.executions.trace import spans_of, trace_of_run
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.executions.execution_usage import Times
from serviceexecution.resources.names import ANNOTATION_TRACEPARENT
from serviceexecution.tracing.span import Span
from tests.unit.executions.builders import at, earlier, execution, recorded_pod, status

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TIMES = {"admitted": at(1), "scheduled": at(2), "prepared": at(3), "started": at(5), "ended": at(9)}


def traced(text: str | None = TRACE) -> ServiceExecution:
    one = execution(serviceRef={"name": "sum"})
    annotations = {} if text is None else {ANNOTATION_TRACEPARENT: text}
    return one.model_copy(update={"metadata": one.metadata.model_copy(update={"annotations": annotations})})


def end(phase: Phase = Phase.SUCCEEDED, **members):
    known = {"completion_time": at(12), "times": TIMES, "pod": recorded_pod(), "attempts": 1, "exit_code": 0}
    return status(phase, "Why", **{**known, "message": "It is so.", **members})


def steps(spans: tuple[Span, ...]) -> dict[str, tuple[datetime, datetime]]:
    return {span.name: (span.start, span.end) for span in spans}


def test_a_run_is_one_tree_below_its_caller_s_span():
    spans = spans_of(traced(), end())
    assert steps(spans) == {
        "execution": (at(0), at(12)),
        "queue": (at(0), at(1)),
        "schedule": (at(1), at(2)),
        "prepare": (at(2), at(3)),
        "pull": (at(3), at(5)),
        "run": (at(5), at(9)),
        "collect": (at(9), at(12)),
    }
    root, *below = spans
    assert {span.trace_id for span in spans} == {"0af7651916cd43dd8448eb211c80319c"}
    assert root.parent_id == "b7ad6b7169203331"
    assert {span.parent_id for span in below} == {root.span_id}
    assert len({span.span_id for span in spans}) == len(spans)
    assert root.attributes["serviceexecution.service"] == "sum"
    assert root.problem is None
    run = next(span for span in below if span.name == "run")
    assert trace_of_run(traced(), 1).span_id == run.span_id
    assert run.attributes == {
        "serviceexecution.attempt": 1,
        "k8s.pod.name": recorded_pod().name,
        "k8s.node.name": "node-1",
        "process.exit.code": 0,
    }


def test_without_a_caller_s_trace_it_is_a_tree_of_its_own_and_the_same_each_time():
    spans = spans_of(traced(None), end())
    assert spans == spans_of(traced("$(nonsense)"), end())
    assert spans[0].parent_id is None
    assert trace_of_run(traced(None), 1).trace_id == spans[0].trace_id


def test_a_trace_that_its_caller_does_not_record_has_no_spans():
    assert spans_of(traced(TRACE[:-1] + "0"), end()) == ()


@pytest.mark.parametrize(
    ("known", "last"),
    [(0, "queue"), (1, "schedule"), (2, "prepare"), (3, "pull"), (4, "run"), (5, "collect")],
)
def test_what_an_execution_fails_in_lasts_until_its_end(known, last):
    times = dict(list(TIMES.items())[:known])
    spans = spans_of(traced(), end(Phase.FAILED, times=times))
    assert (spans[-1].name, spans[-1].end) == (last, at(12))
    assert spans[0].problem == "It is so."


def test_a_step_whose_time_nobody_said_is_part_of_the_next():
    times = {name: time for name, time in TIMES.items() if name != "prepared"}
    found = steps(spans_of(traced(), end(times=times)))
    assert "prepare" not in found
    assert found["pull"] == (at(2), at(5))


def test_earlier_attempts_are_runs_of_the_same_tree():
    times = {"admitted": at(31), "scheduled": at(32), "started": at(33), "ended": at(40)}
    ended = end(attempts=2, earlier_attempts=[earlier(1)], times=times, completion_time=at(41))
    root, first, *rest = spans_of(traced(), ended)
    assert (first.name, first.start, first.end) == ("run", at(5), at(20))
    assert first.span_id == trace_of_run(traced(), 1).span_id
    assert first.problem == "It ended as ProgramFailed."
    assert steps(tuple(rest))["queue"] == (at(20), at(31))
    assert steps(tuple(rest))["run"] == (at(33), at(40))
    assert first.parent_id == root.span_id


def test_the_times_of_an_attempt_that_was_left_are_not_the_next_one_s():
    cancelled = end(
        Phase.CANCELLED, attempts=1, earlier_attempts=[earlier(1)], pod=None, completion_time=at(25)
    )
    _, first, *rest = spans_of(traced(), cancelled)
    assert first.end == at(20)
    assert steps(tuple(rest)) == {"queue": (at(20), at(25))}


MOMENTS = st.none() | st.floats(-4000, 4000).map(at)


@given(st.fixed_dictionaries(dict.fromkeys(Times.model_fields, MOMENTS)))
def test_clocks_that_differ_turn_no_step_around(times):
    spans = spans_of(traced(), end(times=times))
    assert all(span.start <= span.end for span in spans)
    root, *below = spans
    assert all(root.start <= span.start and span.end <= root.end for span in below)
    assert [span.start for span in below[1:]] == [span.end for span in below[:-1]]


def test_nothing_is_sent_of_an_execution_that_has_not_ended():
    assert spans_of(traced(), end(Phase.RUNNING, completion_time=None)) == ()
