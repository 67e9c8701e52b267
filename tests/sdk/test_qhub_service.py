"""``qhub-service``, unmodified, against our gateway: every public call that reaches the Service API.

Not used, since they do not reach it: ``HubPlatformClient`` and ``data_pool_grants`` belong to the platform's own API; a
server on loopback stands in for it where ``run(grants=…)`` asks for a grant.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import member
from tests.support.loopback import fake_platform, lossy_proxy
from tests.support.operator import Operator
from tests.support.polling import poll_until
from tests.support.sdk.environment import sdk_environment
from tests.support.sdk.process import RemoteError, SdkProcess
from tests.support.sdk.programs import (
    FAILS,
    FAILS_SILENTLY,
    PICTURE,
    POOL_ID,
    QUICK,
    REPORT,
    SECRET,
    SLOW,
    TALKS,
    digest,
    writes,
)
from tests.support.service_api import Service, ServiceApi, places_with

PACKAGE = "qhub-service"
VERSIONS = {"qhub-service": "2.0.0", "qhub-api": "3.3.0"}
FINAL = {"timeout": 90, "wait": 0.2}


@pytest.fixture
def connect(sdk: SdkProcess, service_api: ServiceApi) -> Callable[..., Any]:
    """Return what makes a client of a service, as the package's README does."""

    def client(service: Service | str, **options: object) -> Any:
        url = service.url if isinstance(service, Service) else service
        key = service_api.key
        make = sdk.module("qhub.service.client").HubServiceClient
        return make(url, key.id, key.secret, token_endpoint=key.token_endpoint, **options)

    return client


def finished(execution: Any) -> Any:
    execution.wait_for_final_state(**FINAL)
    return execution


def has_started(execution: Any) -> bool:
    """The log may have lines a moment before the status says that the program runs."""
    execution.refresh()
    return bool(execution.status != "PENDING")


def test_the_packages_are_the_published_ones(sdk: SdkProcess) -> None:
    version = sdk.module("importlib.metadata").version
    assert {name: version(name) for name in VERSIONS} == VERSIONS


def test_a_run_with_all_that_a_body_can_hold(
    connect: Callable[..., Any],
    sdk: SdkProcess,
    service_api: ServiceApi,
    operator: Operator,
    tmp_path: Path,
) -> None:
    sandbox = service_api.sandbox
    sandbox.claim("pool", labels={"serviceexecution.dev/datapool-id": POOL_ID})
    sandbox.fill({"pool": {"one.csv": "1,2,3"}})
    service = service_api.define(REPORT)
    pool = sdk.module("qhub.service.datapool").DataPoolReference(id=POOL_ID)
    execution = connect(service).run(
        {
            "data": {"values": [1.0, 2, 123456789012345678901234567890], "text": "ü"},
            "params": {"round_up": True},
            "training_data": pool.dict(),
        },
        secrets={"apiToken": SECRET},
        tags=["first", "second"],
    )
    assert execution.status == "PENDING"
    assert len(service_api.run_secrets()) == 1
    finished(execution)
    assert (execution.status, execution.has_finished) == ("SUCCEEDED", True)
    assert execution.created_at <= execution.started_at <= execution.ended_at

    result = execution.result()
    assert result["input"] == {
        "data.json": '{"values":[1.0,2,123456789012345678901234567890],"text":"ü"}',
        "params.json": '{"round_up":true}',
    }
    assert result.pools == {"training_data/one.csv": "1,2,3"}
    assert result.data()["secrets"] == {"SECRET_API_TOKEN": digest(SECRET)}
    metadata = result.metadata()
    assert (metadata.id, metadata.status, metadata.type) == (execution.id, "SUCCEEDED", "MANAGED")
    assert metadata.service_definition_id == metadata.service_id == service.uid
    assert metadata.tags == ["first", "second"]

    assert sorted(execution.result_files()) == ["output.json", "plots/a b.png", "table.csv"]
    execution.download_result_file("table.csv", str(tmp_path))
    assert (tmp_path / "table.csv").read_text() == "a,b"
    (tmp_path / "plots").mkdir()
    execution.download_result_file("plots/a b.png", str(tmp_path))
    assert (tmp_path / "plots/a b.png").read_bytes() == PICTURE
    assert b"".join(execution.result_file_stream("plots/a b.png")) == PICTURE
    (entry,) = execution.logs()
    assert (entry.severity, "told by the program" in entry.message) == ("WARNING", True)

    stored = sandbox.get(execution.id)
    assert member(stored, "spec", "serviceRef", "name") == "service"
    assert member(stored, "spec", "tags") == ["first", "second"]
    service_api.wait_for_no_run_secrets()
    assert places_with(execution.id, sandbox.cluster, sandbox.name, operator) != []
    assert places_with(SECRET, sandbox.cluster, sandbox.name, operator) == []


def test_a_grant_is_taken_and_kept_nowhere(
    connect: Callable[..., Any], sdk: SdkProcess, service_api: ServiceApi, operator: Operator
) -> None:
    sandbox = service_api.sandbox
    sandbox.claim("pool", labels={"serviceexecution.dev/datapool-id": POOL_ID})
    sandbox.fill({"pool": {"one.csv": "granted"}})
    service = service_api.define(REPORT)
    make_platform = sdk.module("qhub.service.client").HubPlatformClient
    with fake_platform() as platform:
        client = connect(
            service, platform_client=make_platform("key", "org", platform_endpoint=platform.address)
        )
        grant = sdk.module("qhub.service.datapool").DataPoolGrant(
            name="training", datapool_id=POOL_ID, application_id="app"
        )
        execution = finished(client.run({}, grants=[grant]))
    assert [path for path, _ in platform.requests] == [f"/datapools/{POOL_ID}/grants"]
    assert execution.result()["pools"] == {"training/one.csv": "granted"}
    assert places_with("grant-mark", sandbox.cluster, sandbox.name, operator) == []


def test_the_log_while_the_program_runs_and_after(
    connect: Callable[..., Any], service_api: ServiceApi
) -> None:
    execution = connect(service_api.define(TALKS)).run({})
    assert execution.logs() == []
    poll_until(lambda: bool(execution.logs()), seconds=60, what="a line of the log")
    assert [entry.message for entry in execution.logs()] == ["started"]
    assert not execution.has_finished
    finished(execution)
    entries = execution.logs()
    assert [(entry.message, entry.severity) for entry in entries] == [("started", "INFO"), ("ended", "INFO")]
    assert 5 <= (entries[1].timestamp - entries[0].timestamp).total_seconds() <= 20


def test_a_running_execution_is_cancelled(connect: Callable[..., Any], service_api: ServiceApi) -> None:
    execution = connect(service_api.define(SLOW)).run({})
    poll_until(lambda: bool(execution.logs()), seconds=60, what="the program runs")
    poll_until(lambda: has_started(execution), seconds=60, what="the status says so")
    assert (execution.status, execution.ended_at) == ("RUNNING", None)
    execution.cancel()
    finished(execution)
    assert execution.status == "CANCELLED"
    execution.cancel()  # once more is no error
    assert execution.result().data() == {}
    assert [entry.message for entry in execution.logs()] == ["started"]


def test_waiting_gives_up_in_time(connect: Callable[..., Any], service_api: ServiceApi) -> None:
    execution = connect(service_api.define(SLOW)).run({})
    with pytest.raises(RemoteError, match="TimeoutError: Timeout while waiting"):
        execution.wait_for_final_state(timeout=0.5, wait=0.2)
    execution.cancel()


def test_a_failing_service_gives_its_problem(connect: Callable[..., Any], service_api: ServiceApi) -> None:
    execution = finished(connect(service_api.define(FAILS)).run({}))
    assert execution.status == "FAILED"
    problem = execution.result()
    assert (problem.title, problem.detail) == ("Bad luck", "No qubits left.")
    assert problem.metadata().status == "FAILED"


def test_a_service_that_fails_without_a_word_gives_a_problem_too(
    connect: Callable[..., Any], service_api: ServiceApi
) -> None:
    execution = finished(connect(service_api.define(FAILS_SILENTLY)).run({}))
    problem = execution.result().data()
    assert (problem["title"], problem["status"]) == ("ProgramFailed", 500)
    assert "exit code is 3" in problem["detail"]


def test_the_list_has_executions_of_this_service_alone(
    connect: Callable[..., Any], service_api: ServiceApi
) -> None:
    client = connect(service_api.define(QUICK))
    other = connect(service_api.define(QUICK, "other"))
    made = [client.run({}, tags=[str(number)]) for number in range(3)]
    other.run({})
    by_kubectl = service_api.sandbox.create({"serviceRef": {"name": "service"}}, name="by-kubectl")
    uid = str(member(by_kubectl, "metadata", "uid"))
    poll_until(lambda: len(client.get_service_executions()) == 4, seconds=10, what="four in the list")
    assert {one.id for one in client.get_service_executions()} == {*(one.id for one in made), uid}
    found = client.get_service_execution(uid)
    assert finished(found).status == "SUCCEEDED"
    assert found.result().data() == {}


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_an_empty_input_and_the_ends_that_a_base_url_can_have(
    connect: Callable[..., Any], service_api: ServiceApi, end: str
) -> None:
    client = connect(service_api.define(REPORT).url + end)
    execution = finished(client.run({}))
    assert execution.result()["input"] == {}
    assert [one.id for one in client.get_service_executions()] == [execution.id]


def test_a_wrong_key_is_a_clean_error(sdk: SdkProcess, service_api: ServiceApi) -> None:
    service = service_api.define(QUICK)
    key = service_api.key
    make = sdk.module("qhub.service.client").HubServiceClient
    for identifier, secret in ((key.id, "wrong"), ("nobody.k00", key.secret)):
        client = make(service.url, identifier, secret, token_endpoint=key.token_endpoint)
        with pytest.raises(RemoteError, match="invalid_client: There is no such access key") as caught:
            client.get_service_executions()
        assert "OAuthError" in caught.value.kinds


def test_no_key_at_all_is_refused(sdk: SdkProcess, service_api: ServiceApi) -> None:
    client = sdk.module("qhub.service.client").HubServiceClient(service_api.define(QUICK).url, None, None)
    with pytest.raises(RemoteError) as caught:  # the package sends a random token then
        client.get_service_executions()
    assert caught.value.members["status_code"] == 401
    assert caught.value.members["body"]["status"] == 401


def test_what_does_not_exist_is_404(connect: Callable[..., Any], service_api: ServiceApi) -> None:
    service = service_api.define(QUICK)
    client = connect(service)
    unknown = "00000000-0000-4000-8000-000000000000"
    execution = finished(client.run({}))
    for call in (
        lambda: client.get_service_execution(unknown),
        lambda: client.api.get_result(id=unknown),
        lambda: client.api.cancel_execution(id=unknown),
        lambda: b"".join(execution.result_file_stream("no-such-file")),
        lambda: connect(service.url + "-other").get_service_executions(),
    ):
        with pytest.raises(RemoteError) as caught:
            call()
        assert caught.value.members["status_code"] == 404
        assert caught.value.members["body"]["status"] == 404


@pytest.mark.parametrize("main_result", ['"text"', "42", "[1, 2]", '{"a": NaN}'])
def test_a_result_that_is_no_object_stays_a_file(
    connect: Callable[..., Any], service_api: ServiceApi, main_result: str
) -> None:
    execution = finished(connect(service_api.define(writes(main_result))).run({}))
    result = execution.result()
    assert (result.data(), result.files()) == ({}, ["output.json"])
    assert b"".join(execution.result_file_stream("output.json")).decode().strip() == main_result


def test_the_generated_client_below(connect: Callable[..., Any], service_api: ServiceApi) -> None:
    """``with_raw_response.get_result_file`` is what ``get_result_file`` itself calls."""
    api = connect(service_api.define(REPORT)).api
    execution = api.start_execution(request={"data": [0.10]})
    assert execution.type == "MANAGED"
    poll_until(lambda: api.get_status(execution.id).status == "SUCCEEDED", seconds=90, what="its end")
    assert api.get_result(execution.id).input == {"data.json": "[0.1]"}
    assert b"".join(api.get_result_file(execution.id, "table.csv")) == b"a,b"
    assert [entry.severity for entry in api.get_logs(execution.id)] == ["WARNING"]
    assert [one.id for one in api.get_service_executions()] == [execution.id]
    api.cancel_execution(execution.id)
    raw = api.with_raw_response
    assert raw.get_status(execution.id).headers["content-type"] == "application/json"
    assert raw.start_execution(request={}).headers["location"].startswith("http")
    for answer in (raw.get_service_executions(), raw.get_result(execution.id), raw.get_logs(execution.id)):
        assert answer.data is not None
    raw.cancel_execution(execution.id)


def test_the_generated_asynchronous_client(sdk: SdkProcess, service_api: ServiceApi) -> None:
    service = service_api.define(REPORT)
    make = sdk.module("qhub.api.service").AsyncHubServiceClient
    api = make(base_url=service.url, token=service_api.key.token()).service_api
    execution = api.start_execution(request={"data": 1.0})
    poll_until(lambda: api.get_status(execution.id).status == "SUCCEEDED", seconds=90, what="its end")
    assert api.get_result(execution.id).input == {"data.json": "1.0"}
    assert b"".join(api.get_result_file(execution.id, "plots/a b.png")) == PICTURE
    assert len(api.get_logs(execution.id)) == len(api.get_service_executions()) == 1
    api.cancel_execution(execution.id)


def test_an_idempotency_key_keeps_a_lost_answer_from_doubling(
    connect: Callable[..., Any], service_api: ServiceApi
) -> None:
    service = service_api.define(QUICK)
    options = {"additional_headers": {"Idempotency-Key": "order-66"}}
    with lossy_proxy(service_api.address, losses=1) as proxy:
        api = connect(service.url.replace(service_api.address, proxy.address)).api
        execution = api.start_execution(request={"data": 1}, request_options=options)
        assert proxy.lost == [201]
    api = connect(service).api
    again = api.with_raw_response.start_execution(request={"data": 1}, request_options=options)
    assert again.data.id == execution.id
    assert service_api.executions() == [execution.id]
    with pytest.raises(RemoteError) as caught:
        api.start_execution(request={"data": 2}, request_options={**options, "max_retries": 0})
    assert caught.value.members["status_code"] == 409


def test_without_the_key_the_package_doubles_what_it_repeats(
    connect: Callable[..., Any], service_api: ServiceApi
) -> None:
    """Not a wish but what docs/service-api.md warns of: the package itself repeats a POST."""
    service = service_api.define(QUICK)
    with lossy_proxy(service_api.address, losses=1) as proxy:
        connect(service.url.replace(service_api.address, proxy.address)).run({})
    assert len(service_api.executions()) == 2


def test_a_run_inside_of_another_run_tells_its_parent(
    service_api: ServiceApi, operator: Operator, tmp_path: Path
) -> None:
    service, key = service_api.define(QUICK), service_api.key
    lock = Path(__file__).parent / PACKAGE / "requirements.lock"
    variables = {"KQH_SERVICE_EXECUTION_TOKEN": "parent-mark"}
    with SdkProcess(sdk_environment(lock), tmp_path, variables) as sdk:
        make = sdk.module("qhub.service.client").HubServiceClient
        client = make(service.url, key.id, key.secret, token_endpoint=key.token_endpoint)
        assert finished(client.run({})).status == "SUCCEEDED"
    sandbox = service_api.sandbox
    assert places_with("parent-mark", sandbox.cluster, sandbox.name, operator) == []


def test_an_input_that_is_wrong_is_refused_before_anything_runs(
    connect: Callable[..., Any], service_api: ServiceApi
) -> None:
    schema = {"type": "object", "properties": {"data": {"type": "number"}}, "required": ["data"]}
    client = connect(service_api.define(QUICK, inputSchema=schema))
    with pytest.raises(RemoteError) as caught:
        client.run({"data": "text"})
    assert caught.value.members["status_code"] == 422
    assert "data" in json.dumps(caught.value.members["body"])
    assert service_api.executions() == []
