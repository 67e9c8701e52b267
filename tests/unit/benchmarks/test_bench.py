"""What ``make bench`` concludes from what it has measured."""

import json
from pathlib import Path

from benchmarks.bench.outcome import Bar
from benchmarks.bench.stage.audit import READS, AuditCount, of_callers
from benchmarks.bench.stage.load import end_of_execution, end_of_job
from tests.support.audit import WRITES


def test_a_bar_is_met_from_its_own_side():
    assert Bar("cpu", 15, 15).met
    assert not Bar("cpu", 15.1, 15).met
    assert Bar("rate", 0.9, 0.9, at_least=True).met
    assert not Bar("rate", 0.8, 0.9, at_least=True).met


def test_requests_are_counted_by_caller_and_what_is_beside_the_course_is_left_out(tmp_path: Path):
    log = tmp_path / "audit.log"
    log.write_text(_line("patch", "serviceexecutions", "status", caller="serviceexecution-controller"))
    count = AuditCount(log)
    lines = [
        _line("patch", "serviceexecutions", "status", caller="serviceexecution-controller"),
        _line("create", "events", caller="serviceexecution-controller-events"),
        _line("get", "pods", caller="serviceexecution-controller-logs"),
        _line("create", "jobs", caller="kubectl/v1.36"),
        _line("create", "jobs", caller="serviceexecution-controller", namespace="other"),
    ]
    with log.open("a") as file:
        file.write("".join(lines) + '{"cut off')
    requests = count.requests(namespace="one")
    assert of_callers(requests, "serviceexecution", WRITES) == {"patch serviceexecutions/status": 1}
    assert of_callers(requests, "serviceexecution", READS) == {"get pods": 1}
    assert of_callers(requests, "serviceexecution-controller", READS, exactly=True) == {}


def test_ends_are_read_off_phases_and_conditions():
    assert end_of_execution({"status": {"phase": "Running"}}) is None
    assert end_of_execution({"status": {"phase": "Succeeded"}}) == "Succeeded"
    assert end_of_job({"status": {"conditions": [{"type": "Suspended", "status": "True"}]}}) is None
    assert end_of_job({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}) == "Complete"


def _line(verb: str, resource: str, subresource: str = "", *, caller: str, namespace: str = "one") -> str:
    about = {"resource": resource, "subresource": subresource, "namespace": namespace}
    event = {"stage": "ResponseComplete", "verb": verb, "userAgent": caller, "objectRef": about}
    return json.dumps(event) + "\n"
