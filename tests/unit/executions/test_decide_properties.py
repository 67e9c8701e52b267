"""Whatever happens to Job, pod and store in whatever order, the end is one, and it is the truth."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serviceexecution.executions.attempts.rules import STARTLESS_RETRIES
from serviceexecution.executions.decide import decide
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import Phase
from tests.unit.controller.cluster_model import Cluster
from tests.unit.executions.builders import execution, observation

SPECS = st.fixed_dictionaries(
    {},
    optional={
        "timeout": st.just("90s"),
        "queueName": st.just("small"),
        "cancel": st.just(True),
        "output": st.just({"collectTimeout": "2m"}),
        "retry": st.fixed_dictionaries(
            {"maxAttempts": st.integers(2, 4), "onExitCodes": st.just([3])},
            optional={
                "onReasons": st.just(["Preempted", "PodLost", "Timeout", "StartTimeout"]),
                "onOutOfMemory": st.just({"memoryFactor": 2, "maxMemory": "1Gi"}),
            },
        ),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SPECS, st.randoms(use_true_random=False))
def test_every_history_has_one_end(spec, random):
    cluster = Cluster(execution(**spec))
    for _ in range(25):
        cluster.step(random.choice(cluster.possible()))
    assert cluster.settle().terminal
    most = spec["retry"]["maxAttempts"] if "retry" in spec else 1
    assert cluster.created <= most + STARTLESS_RETRIES
    attempts = cluster.execution.status.attempts or 0
    assert attempts <= most + STARTLESS_RETRIES
    assert len(cluster.execution.status.earlier_attempts or ()) <= attempts
    phases = [status.phase for status in cluster.writes]
    ends = [phase for phase in phases if phase is not None and phase.terminal]
    assert len(set(ends)) == 1
    assert phases.index(ends[0]) >= len(phases) - len(ends), "after the end comes nothing else"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=3), min_size=10, max_size=10))
def test_a_plain_success_is_three_writes_however_often_it_is_looked_at(looks):
    cluster = Cluster(execution())
    history = (
        *("look", "pod appears", "main starts", "look", "main succeeds", "commit", "log", "look"),
        *("collector ends", "job is complete"),
    )
    for event, extra in zip(history, looks, strict=True):
        for _ in range(extra):
            cluster.look()
        cluster.step(event)
    assert [status.phase for status in cluster.writes] == [Phase.PENDING, Phase.RUNNING, Phase.SUCCEEDED]
    assert cluster.created == 1


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(sorted(set(Reason) - {Reason.QUEUED})),
    st.booleans(),
    st.integers(min_value=0, max_value=10_000),
)
def test_a_spec_that_cannot_run_ends_too(reason, waiting_for_it, now):
    problem = PlanProblem(reason, "why", waiting=waiting_for_it)
    seen = observation(execution(), now=now, plan=problem)
    first = decide(seen)
    assert first.status.phase in {Phase.PENDING, Phase.FAILED}
    later = seen.execution.model_copy(update={"status": first.status})
    late = decide(observation(later, now=now + 10_000, plan=problem)) if waiting_for_it else first
    assert late.status.phase is Phase.FAILED
    assert late.status.reason == reason
