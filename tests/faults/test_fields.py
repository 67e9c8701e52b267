"""Every field to values that fit and to values that do not, and back: what is wrong is said, and all is as before.

The values come to the controller past the API server's validation, as from objects that another version's CRD took;
``tests/cluster`` shows that the API server refuses them.
"""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog

from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.schemas.checker import SchemaChecker
from tests.faults.fields import Value, schema_of, values_of
from tests.faults.installation import NAMESPACE, Installation
from tests.faults.outcome import differences, outcome_of
from tests.faults.plan import FaultPlan
from tests.faults.pods import Program

_MUTABLE = frozenset({"tags", "ttlSecondsAfterFinished"})
"""And cancel, from which nothing goes back."""
_BUILDS = frozenset({"build", "source", "revision"})
"""Fields that make or choose revisions, which stay in the status, and say nothing of a service that is not built."""
_BUILT: Any = {
    "runtime": {"docker": {"build": {}}},
    "source": {"archive": {"digest": f"sha256:{'a' * 64}"}},
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture
async def one() -> AsyncIterator[Installation]:
    checkers = SchemaChecker(), SchemaChecker(says_values=False)
    found = Installation(FaultPlan(), checkers)
    yield found
    await found.close()
    for checker in checkers:
        await checker.close()


async def _settle(one: Installation, rounds: int = 3) -> None:
    for _ in range(rounds):
        await one.round()


def _values(plural: str) -> Iterator[Value]:
    """Give the values, but for numbers in place of booleans and the other way round: these are read as such."""
    return (value for value in values_of(schema_of(plural)) if value.fits or value.value not in (1, True))


def _told(one: Installation) -> dict[str, tuple[str, str]]:
    conditions = one.definitions()["adder"]["status"]["conditions"]
    return {condition["type"]: (condition["status"], condition["reason"]) for condition in conditions}


def _set(one: Installation, kind: Any, name: str, spec: Any) -> None:
    body: Any = one.server.objects[kind.plural, NAMESPACE, name]
    one.server.replace(kind, NAMESPACE, name, {**body, "metadata": dict(body["metadata"]), "spec": spec})


def _observed(body: Any) -> Any:
    """Return the object's state without the number of its spec's versions."""
    status = body.get("status") or {}
    conditions = [
        {name: value for name, value in one.items() if name != "observedGeneration"}
        for one in status.get("conditions") or []
    ]
    return {**body, "status": {**status, "observedGeneration": None, "conditions": conditions}}


async def _state(one: Installation) -> Any:
    found = await outcome_of(one)
    return {**found, "objects": {name: _observed(body) for name, body in found["objects"].items()}}


def _said(body: Any) -> str:
    status = body.get("status") or {}
    told = [
        str(status.get("message") or ""),
        *(str(c.get("message")) for c in status.get("conditions") or []),
    ]
    return " ".join(told)


async def test_every_field_of_a_service_goes_there_and_back(one: Installation) -> None:
    one.define()
    await _settle(one)
    spec, before = one.definitions()["adder"]["spec"], await _state(one)
    wrong, tried = [], 0
    for value in _values("servicedefinitions"):
        if value.path[0] in _BUILDS:
            continue
        tried += 1
        failed = len(one.failures)
        _set(one, SERVICE_DEFINITIONS, "adder", value.in_spec(spec))
        await _settle(one)
        wrong += _faults_of(one, value, one.definitions()["adder"], failed)
        _set(one, SERVICE_DEFINITIONS, "adder", spec)
        await _settle(one)
        if value.path[:2] != ("runtime", "python"):
            wrong += [f"{value}, and back: {text}" for text in differences(before, await _state(one))]
    assert wrong == []
    assert tried > 250


async def test_every_field_of_a_build_goes_there_and_back(one: Installation) -> None:
    one.define(**_BUILT)
    await _settle(one, rounds=20)
    spec, before = one.definitions()["adder"]["spec"], _told(one)
    wrong, tried = [], 0
    for value in _values("servicedefinitions"):
        if value.path[0] not in {*_BUILDS, "runtime"}:
            continue
        tried += 1
        failed = len(one.failures)
        _set(one, SERVICE_DEFINITIONS, "adder", value.in_spec(spec))
        await _settle(one)
        wrong += _faults_of(one, value, one.definitions()["adder"], failed)
        _set(one, SERVICE_DEFINITIONS, "adder", spec)
        await _settle(one, rounds=20)
        if _told(one) != before:
            wrong.append(f"{value}, and back: {before} became {_told(one)}")
    assert wrong == []
    assert tried > 50


async def test_every_mutable_field_of_a_running_execution_goes_there_and_back(one: Installation) -> None:
    one.kubelet.program = Program(seconds=10**6)
    one.apply()
    await _settle(one)
    spec, before = one.executions()["sum"]["spec"], await _state(one)
    wrong = []
    for value in _values("serviceexecutions"):
        if value.path[0] not in _MUTABLE or not value.fits:
            continue
        failed = len(one.failures)
        _set(one, SERVICE_EXECUTIONS, "sum", value.in_spec(spec))
        await _settle(one)
        wrong += _faults_of(one, value, one.executions()["sum"], failed)
        _set(one, SERVICE_EXECUTIONS, "sum", spec)
        await _settle(one)
        wrong += [f"{value}, and back: {text}" for text in differences(before, await _state(one))]
    assert wrong == []


async def test_every_field_of_an_execution_is_taken_or_what_is_wrong_with_it_is_said(
    one: Installation,
) -> None:
    one.define()
    await _settle(one)
    base: Any = {"runtime": {"docker": {"image": "sum:1"}}}
    before, wrong, tried = set(one.server.objects), [], 0
    for number, value in enumerate(_values("serviceexecutions")):
        tried += 1
        name, failed = f"x{number}", len(one.failures)
        one.server.put(
            SERVICE_EXECUTIONS,
            {"metadata": {"name": name, "namespace": NAMESPACE}, "spec": value.in_spec(base)},
        )
        await _settle(one)
        if name in one.executions():  # A time to live may be over
            wrong += _faults_of(one, value, one.executions()[name], failed)
            one.delete(name)
        await _settle(one)
        left = {key for key in one.server.objects if key not in before and key[0] != "events"}
        wrong += [f"{value}: {key} is left" for key in left]
        before |= left
    assert wrong == []
    assert tried > 200


def _faults_of(one: Installation, value: Value, body: Any, failed: int) -> list[str]:
    said = _said(body)
    faults = [f"{value}: a pass has failed: {error!r}" for error in one.failures[failed : failed + 1]]
    if not said.strip():
        faults.append(f"{value}: nothing is said: {body.get('status')}")
    elif not value.fits and value.field not in said:
        faults.append(f"{value}: the field is not named: {said[:300]}")
    return faults
