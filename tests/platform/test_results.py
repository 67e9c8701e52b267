"""``qhub-api`` 3.3.0, unmodified: results, files, logs, and what is not measured."""

import json

import pytest

from serviceexecution.store.errors import StoreError
from tests.platform.platform_client import LINE, refused
from tests.support.sdk.process import RemoteError
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE

PACKAGE = "qhub-service"


def test_a_result_is_none_before_the_end_and_then_the_document(platform):
    name = platform.submit()
    result = platform.client.service_executions.get_service_execution_result
    assert result(name) is None
    platform.end(name, {"output.json": b'{"sum": 6, "cls": 1, "_fields_set": 2}', "plots/a b.png": b"png"})
    found = result(name)
    assert (found["sum"], found["cls"], found["_fields_set"]) == (6, 1, 2)
    assert found["_embedded"]["status"]["status"] == "SUCCEEDED"
    url = f"{platform.gateway.base}/service-executions/{name}"
    assert found["_links"]["plots/a b.png"]["href"] == f"{url}/results/plots/a%20b.png"
    assert found["_links"]["status"]["href"] == url


def test_a_failed_result_is_the_problem(platform):
    name = platform.submit()
    platform.end(name, phase="Failed", reason="ProgramFailed", message="It failed.")
    found = platform.client.service_executions.get_service_execution_result(name)
    assert (found["status"], found["detail"]) == (500, "It failed.")


def test_the_file_that_cannot_be_named_is_the_main_result_or_the_only_one(platform):
    read = platform.client.service_executions.get_service_execution_result_file
    main, only, none, many = (platform.submit() for _ in range(4))
    platform.end(main, {"output.json": b'{"a": 1}', "b.csv": b"1,2"})
    platform.end(only, {"b.csv": b"1,2"})
    platform.end(none)
    platform.end(many, {"a.csv": b"1", "b.csv": b"2"})
    assert b"".join(read(main)) == b'{"a": 1}'
    assert b"".join(read(only)) == b"1,2"
    named = {"additional_query_parameters": {"file": "b.csv"}}
    assert b"".join(read(main, request_options=named)) == b"1,2"
    assert b"".join(read(f"{main}/results/b.csv#")) == b"1,2"
    assert refused("NotFoundError", lambda: list(read(none)))["files"] == []
    assert sorted(refused("NotFoundError", lambda: list(read(many)))["files"]) == ["a.csv", "b.csv"]
    refused("NotFoundError", lambda: list(read(platform.submit())), code="NotFinished")


def test_logs_have_first_and_last_and_all_between(platform):
    name = platform.submit()
    logs = platform.client.service_executions.get_service_execution_logs
    assert logs(name) is None
    platform.log(name, "one", "ERROR two", "three")
    found = logs(name)
    assert (found.first.message, found.last.message, found.empty) == ("one", "three", False)
    assert [(entry["message"], entry["severity"]) for entry in found.content] == [
        ("one", "INFO"),
        ("ERROR two", "ERROR"),
        ("three", "INFO"),
    ]
    assert found.first.timestamp == LINE.strip()
    last = logs(name, limit=2)
    assert (last.first.message, len(last.content)) == ("ERROR two", 2)
    refused("ApiError", logs, name, limit=0, status=400)


def test_a_raw_log_is_text_which_the_client_takes_for_an_error(platform):
    name = platform.submit()
    platform.log(name, "one", "two")
    for named, text in (({}, "one\ntwo\n"), ({"limit": 1}, "two\n")):
        with pytest.raises(RemoteError) as caught:
            platform.client.service_executions.get_service_execution_logs(name, raw=True, **named)
        assert (caught.value.members["status_code"], caught.value.members["body"]) == (200, text)


def test_an_execution_that_has_printed_nothing_has_an_empty_log(platform):
    name = platform.submit()
    platform.end(name)
    assert platform.client.service_executions.get_service_execution_logs(name).empty is True


def test_what_a_run_has_used_over_time_is_in_cores_and_bytes(platform):
    name = platform.submit()
    usage = {"cpuSeconds": 1.5, "memoryPeakBytes": 9000, "complete": True}
    platform.end(name, {"output.json": b"{}"}, usage=usage)
    platform.used(name, started_at=1000, points=[(1500, 0.25, 4000), (2500, 1.25, 9000), (3000, 1.5, 100)])
    executions = platform.client.service_executions
    metrics = executions.get_service_execution_metrics(name)
    points = [(one.timestamp, one.value) for one in metrics.cpu_usage]
    assert points == [("1500", 0.5), ("2500", 1.0), ("3000", 0.5)]
    assert [(one.timestamp, one.value) for one in metrics.memory_usage] == [
        ("1500", 4000.0),
        ("2500", 9000.0),
        ("3000", 100.0),
    ]
    assert {one.value for one in metrics.cpu_limit} == {2.0}
    assert metrics.memory_limit == []
    assert executions.get_service_execution(name).usage == usage


def test_a_receipt_is_served_by_both_apis(platform):
    name = platform.submit(b'{"a": 1.0}')
    platform.end(name, inputDigest="a" * 64, usage={"cpuSeconds": 1.5, "complete": True})
    own = platform.get(f"/platform/{NAMESPACE}/service-executions/{name}/receipt").json()
    assert platform.get(f"/services/{NAMESPACE}/{SERVICE}/{name}/receipt").json() == own
    assert (own["id"], own["input"], own["usage"]["cpuSeconds"]) == (name, {"digest": "a" * 64}, 1.5)
    assert own["submittedBy"]["name"]


def test_what_is_not_measured_is_empty(platform):
    name = platform.submit()
    platform.end(name)
    executions = platform.client.service_executions
    metrics = executions.get_service_execution_metrics(name)
    assert (metrics.service_execution_id, metrics.cpu_usage, metrics.memory_limit) == (name, [], [])
    assert (metrics.start_time, metrics.end_time) == ("1795867200000", "1795867205000")
    lineage = executions.get_service_execution_lineage(name)
    assert ([node.id for node in lineage.nodes], lineage.truncated) == ([name], False)
    assert executions.get_service_execution_costs(name) == []
    assert executions.get_service_execution_observability_files(name) == {}
    refused("NotFoundError", lambda: list(executions.get_service_execution_observability_file(name, "a")))


def test_the_store_being_away_is_a_pause_that_the_client_can_bear(sync, monkeypatch):
    name = sync.submit()
    sync.end(name, {"output.json": b"{}"})

    async def away(*_, **__):
        raise StoreError("away")

    monkeypatch.setattr(sync.service.store.notes, "read_expiry", away)
    with pytest.raises(RemoteError) as caught:
        sync.client.service_executions.get_service_execution_result(name)
    assert caught.value.members["status_code"] == 503
    assert int(caught.value.members["headers"]["retry-after"]) <= 5
    assert json.dumps(caught.value.members["body"])
