"""The calls of both packages that ``tests/platform/`` makes on loopback, against the gateway of the cluster.

One service, one job and one data pool are enough: what is asked here is whether the answers of the installed gateway,
with the API server and its fences behind it, are what the unmodified clients take.
"""

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.resources.services.source import NO_ARCHIVE
from tests.support.accounts import account_token
from tests.support.cluster import ROLE_BINDINGS, ROLES, member
from tests.support.gateway import Gateway
from tests.support.polling import poll_until
from tests.support.sandbox import program
from tests.support.sdk.process import RemoteError, SdkProcess
from tests.support.service_api import ServiceApi

PACKAGE = "qhub-service"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
PROGRAM = program(
    "import json, os; print('told'); out = os.environ.get('OUTPUT_DIRECTORY', '/var/runtime/output');"
    "open(out + '/output.json', 'w').write(json.dumps({'sum': 6})); open(out + '/a b.txt', 'w').write('x')"
)


@pytest.fixture
def client(sdk: SdkProcess, service_api: ServiceApi, gateway: Gateway) -> Any:
    """Return the client of somebody who has ``edit`` in the sandbox, where the gateway may write as well."""
    sandbox = service_api.sandbox
    let_gateway_write(sandbox.cluster, sandbox.name)
    token = account_token(sandbox.cluster, sandbox.name, "ann", "edit")
    make = sdk.module("qhub.api.platform").HubPlatformClient
    return make(base_url=f"{gateway.address}/platform/{sandbox.name}", api_key=token)


def let_gateway_write(cluster: Any, namespace: str) -> None:
    """Give the gateway in one namespace what ``gateway.platformApi.write`` gives it everywhere."""
    rule = {
        "apiGroups": ["serviceexecution.dev"],
        "resources": ["servicedefinitions", "datapools"],
        "verbs": ["create", "patch", "delete"],
    }
    cluster.create(ROLES, namespace, {"metadata": {"name": "platform-writes"}, "rules": [rule]})
    account = {
        "kind": "ServiceAccount",
        "name": "serviceexecution-gateway",
        "namespace": "serviceexecution-system",
    }
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "platform-writes"}
    cluster.create(
        ROLE_BINDINGS,
        namespace,
        {"metadata": {"name": "platform-writes"}, "roleRef": role, "subjects": [account]},
    )


def refused(call: Callable[..., Any], *arguments: Any, kind: str, **named: Any) -> str:
    """Return the sentence of a typed error."""
    with pytest.raises(RemoteError) as caught:
        call(*arguments, **named)
    assert caught.value.kinds[0] == kind, caught.value
    return str(caught.value.members["body"]["detail"])


def test_executions_and_jobs(client: Any, service_api: ServiceApi) -> None:
    service = service_api.define(PROGRAM, "adder", displayName="Adder")
    jobs, executions = client.service_jobs, client.service_executions
    job = jobs.create_service_job(service_id=service.uid, input={"a": 1.0}, tags=["Lab"], store_input=True)
    assert (job.input, job.tags, job.service_id) == ('{"a":1.0}', ["lab"], service.uid)
    poll_until(
        lambda: executions.get_service_execution(job.id).status == "SUCCEEDED", seconds=60, what="it ends"
    )
    assert executions.get_service_execution_result(job.id)["sum"] == 6
    named = {"additional_query_parameters": {"file": "a b.txt"}}
    found = executions.get_service_execution_result_file(job.id, request_options=named)
    assert b"".join(found) == b"x"
    logs = executions.get_service_execution_logs(job.id, limit=1)
    assert (logs.last.message, logs.empty) == ("told", False)
    assert executions.get_service_execution_metrics(job.id).service_execution_id == job.id
    assert [one.id for one in executions.get_service_execution_lineage(job.id).nodes] == [job.id]
    assert executions.get_service_execution_costs(job.id) == []
    assert executions.get_service_execution_observability_files(job.id) == {}
    assert executions.head_service_execution(job.id)
    executions.cancel_service_execution(job.id)
    page = executions.get_service_executions(service_id=service.uid, tags=["LAB"], sort="createdAt,asc")
    assert ([one.id for one in page.content], page.total_elements) == ([job.id], 1)
    assert [one.id for one in jobs.get_service_jobs().content] == [job.id]
    assert jobs.get_service_job(job.id).input == '{"a":1.0}'
    services = client.services
    assert [one.display_name for one in services.get_services(lifecycle="ACCESSIBLE")] == ["Adder"]
    assert services.get_service(service.uid).current_user_permission == "OWNER"
    assert '"openapi"' in services.get_service_open_api(service.uid)
    counted = services.get_service_statistics(service.uid).managed_service_executions
    assert counted.total_count == 1
    assert services.check_service_name_availability(name="adder") is False
    for call in (executions.get_service_execution, jobs.get_service_job, services.get_service):
        refused(call, UNKNOWN, kind="NotFoundError")
    assert client.users.get_my_accounts()[0].id == service_api.sandbox.name
    assert client.authentication.resolve_auth_token().id.endswith(":ann")


def test_data_pools(client: Any) -> None:
    pools = client.data_pools
    pool = pools.create_data_pool(name="Measurements", tags=["lab"])
    assert [one.id for one in pools.get_data_pools()] == [pool.id]
    for name, content in (("ü #?.csv", b"1,2"), ("empty", b""), ("ü #?.csv", b"3,4")):
        pools.add_data_pool_file(pool.id, file=(name, content))
    files = {one.name: one for one in pools.get_data_pool_files(pool.id)}
    assert {name: one.content_length for name, one in files.items()} == {"empty": 0, "ü #?.csv": 3}
    identifier = files["ü #?.csv"].id
    assert b"".join(pools.get_data_pool_file(pool.id, identifier)) == b"3,4"
    grant = client.data_pool_grants.create_data_pool_grant(pool.id, application_id="a", permission="VIEW")
    assert "." in grant.token
    assert pools.update_data_pool(pool.id, name="Others").name == "Others"
    pools.delete_data_pool_file(pool.id, identifier)
    assert [one.name for one in pools.get_data_pool_files(pool.id)] == ["empty"]
    refused(pools.add_data_pool_file, pool.id, file=("a/b", b"x"), kind="BadRequestError")
    pools.delete_data_pool(pool.id)
    refused(pools.get_data_pool_files, UNKNOWN, kind="NotFoundError")


def test_managed_services(client: Any, service_api: ServiceApi) -> None:
    managed, services, sandbox = client.managed_services, client.services, service_api.sandbox
    made = managed.create_managed_service(
        name="made",
        source={"type": "file"},
        summary="Adds.",
        runtime_configuration={"runtime": "PYTHON_TEMPLATE", "environment": {"A": "1"}},
        resource_configurations=[{"type": "cpu", "amount": 500, "unit": "m"}],
    )
    assert (made.name, made.service_definitions[0].summary) == ("made", "Adds.")
    services.update_service_display_name(made.id, display_name="Made")
    services.update_service_links(
        made.id, request=[{"type": "OTHER", "name": "a", "url": "https://example.com"}]
    )
    managed.update_managed_service_resource_configuration(
        made.id, request={"type": "memory", "amount": 64, "unit": "M"}
    )
    managed.update_managed_service_runtime_configuration(made.id, runtime="DOCKER", environment={"B": "2"})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr("Readme.md", "No Dockerfile")
    managed.upload_managed_service_source(made.id, file=packed.getvalue())
    assert b"".join(managed.download_managed_service_source(made.id)) == packed.getvalue()
    spec = member(sandbox.cluster.get(SERVICE_DEFINITIONS, sandbox.name, "made"), "spec")
    assert isinstance(spec, dict)
    assert spec["runtime"] == {"docker": {"build": {}}}
    assert spec["env"] == [{"name": "B", "value": "2"}]
    assert member(spec, "source", "archive", "digest") != NO_ARCHIVE
    managed.build_managed_service(made.id)
    assert managed.get_managed_service_build_status(made.id).status in {"WORKING", "FAILURE"}
    assert isinstance(managed.get_managed_service_build_logs(made.id), list)
    services.delete_service(made.id)
    deadline = time.monotonic() + 10
    while services.get_services():
        assert time.monotonic() < deadline
        time.sleep(0.1)
