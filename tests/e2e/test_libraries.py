"""Both in-container libraries, unmodified, in images as a build of a Python project makes them."""

import hashlib
import json
from typing import cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import member
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox, phase_and_reason

LIBRARIES = ["qhub", "planqk"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_run_with_secret_and_data_pool(sandbox: Sandbox, gateway: Gateway, library: str) -> None:
    sandbox.secret("service", api="abc-123")
    sandbox.claim("pool", labels={"serviceexecution.dev/datapool-id": "11111111-2222-3333-4444-555555555555"})
    sandbox.fill({"pool": {"one.csv": "1,2,3", "two.csv": "4"}})
    final = sandbox.succeed(
        {
            "runtime": runtime(library),
            "input": {
                "data": {"values": [1, 2, 2.5]},
                "params": {"round_up": True},
                "training_data": {"ref": "DATAPOOL", "id": "11111111-2222-3333-4444-555555555555"},
            },
            "secrets": {"api_token": {"secretKeyRef": {"name": "service", "key": "api"}}},
        }
    )
    assert json.loads(str(member(final, "status", "result", "output"))) == {
        "sum": 6,
        "token_sha256": hashlib.sha256(b"abc-123").hexdigest(),
        "pool_files": ["one.csv", "two.csv"],
        "pool_bytes": 6,
    }
    files = cast("list[JsonObject]", member(final, "status", "result", "files"))
    assert {"output.json", "report.txt"} <= {file["name"] for file in files}
    log = gateway.log(sandbox.name, "run", sandbox.token())
    assert "plain print from run()" in log
    assert "adding 3 values" in log
    assert "abc-123" not in log


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_exception_of_run_fails_the_execution(sandbox: Sandbox, gateway: Gateway, library: str) -> None:
    final = sandbox.run(
        {"runtime": runtime(library), "input": {"data": {"values": [1]}, "params": {"fail": True}}}
    )
    assert phase_and_reason(final) == ("Failed", "ProgramFailed")
    assert member(final, "status", "exitCode") == 1
    message = str(member(final, "status", "message"))
    assert message.startswith("The program failed. Its exit code is 1.")
    if library == "qhub":
        # This library alone leaves a problem document as the main result.
        assert "params.fail was set" in message
    assert "params.fail was set" in gateway.log(sandbox.name, "run", sandbox.token())


def runtime(library: str) -> JsonObject:
    return {"docker": {"image": f"localhost/test-python-{library}:1"}}
