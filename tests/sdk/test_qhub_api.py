"""``qhub-api``, unmodified, against the platform's API on the cluster; each of its calls is in ``tests/platform/``."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cluster import member
from tests.support.gateway import Gateway
from tests.support.operator import Operator
from tests.support.polling import poll_until
from tests.support.sdk.environment import sdk_environment
from tests.support.sdk.process import RemoteError, SdkProcess
from tests.support.sdk.programs import PICTURE, REPORT, SECRET, SLOW, digest
from tests.support.service_api import ServiceApi, places_with

PACKAGE = "qhub-service"
_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "platform-api.md").read_text()


@pytest.fixture
def client(sdk: SdkProcess, service_api: ServiceApi, gateway: Gateway) -> Any:
    """Return a client with an access key of the sandbox."""
    key = service_api.key
    make = sdk.module("qhub.api.platform").HubPlatformClient
    return make(
        base_url=f"{gateway.address}/platform/{service_api.sandbox.name}", api_key=f"{key.id}:{key.secret}"
    )


def _result(client: Any, job: str) -> Any:
    """Return a job's result when it is there."""
    found: list[Any] = []

    def there() -> bool:
        found.append(client.service_executions.get_service_execution_result(job))
        return found[-1] is not None

    poll_until(there, seconds=90, what=f"{job} has a result")
    return found[-1]


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", _PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_program_of_the_page_prints_what_the_page_says(
    service_api: ServiceApi, gateway: Gateway, tmp_path: Path
) -> None:
    sample = yaml.safe_load((_ROOT / "manifests" / "samples" / "service.yaml").read_text().split("\n---")[0])
    spec = sample["spec"]
    service = service_api.define(spec.pop("runtime"), "adder", **spec)
    program = tmp_path / "program.py"
    program.write_text(_block("python"))
    python = sdk_environment(Path(__file__).parent / PACKAGE / "requirements.lock")
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PLATFORM_URL": f"{gateway.address}/platform/{service_api.sandbox.name}",
        "KEY_ID": service_api.key.id,
        "KEY_SECRET": service_api.key.secret,
        "SERVICE_ID": service.uid,
    }
    run = subprocess.run(
        [python, "-I", program], env=variables, capture_output=True, text=True, timeout=180, check=False
    )
    assert (run.returncode, run.stdout) == (0, _block("console")), run.stderr


def test_a_job_with_secrets_and_its_second_run(
    client: Any, service_api: ServiceApi, operator: Operator
) -> None:
    service = service_api.define(REPORT)
    given = {"data": {"values": [1.0, 12345678901234567890]}, "$secrets": {"apiToken": SECRET}}
    job = client.service_jobs.create_service_job(service_id=service.uid, input=given, store_input=True)
    executions = client.service_executions
    result = _result(client, job.id)
    assert result["input"]["data.json"] == '{"values":[1.0,12345678901234567890]}'
    assert result["secrets"] == {"SECRET_API_TOKEN": digest(SECRET)}
    picture = {"additional_query_parameters": {"file": "plots/a b.png"}}
    assert b"".join(executions.get_service_execution_result_file(job.id, request_options=picture)) == PICTURE
    assert "told by the program" in executions.get_service_execution_logs(job.id).last.message
    with pytest.raises(RemoteError) as caught:
        client.service_jobs.rerun_service_job(job.id)
    assert caught.value.members["body"]["secrets"] == ["apiToken"]
    again = {"additional_body_parameters": {"input": {"$secrets": {"apiToken": "other"}, "data": 2.50}}}
    second = client.service_jobs.rerun_service_job(job.id, request_options=again)
    result = _result(client, second.id)
    assert result["secrets"] == {"SECRET_API_TOKEN": digest("other")}
    assert {one.id for one in client.service_jobs.get_service_jobs().content} == {job.id, second.id}
    sandbox = service_api.sandbox
    assert places_with(SECRET, sandbox.cluster, sandbox.name, operator) == []
    assert places_with(service_api.key.secret, sandbox.cluster, sandbox.name, operator) == []


def test_a_job_is_cancelled(client: Any, service_api: ServiceApi) -> None:
    service = service_api.define(SLOW)
    job = client.service_jobs.create_service_job(service_id=service.uid)
    client.service_executions.cancel_service_execution(job.id)
    assert member(service_api.sandbox.get(job.id), "spec", "cancel") is True
    executions = client.service_executions

    def cancelled() -> bool:
        return bool(executions.get_service_execution(job.id).status == "CANCELLED")

    poll_until(cancelled, seconds=60, what="the job is cancelled")
