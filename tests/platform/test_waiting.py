"""Both packages' clients of a service, unmodified, at the address where a repeated question for a status is held."""

import asyncio

import pytest

from serviceexecution.gateway.access.tokens import SERVICE_AUDIENCE
from tests.platform.conftest import LOCKS
from tests.support.sdk.environment import sdk_environment
from tests.support.sdk.process import SdkProcess
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE

CLIENTS = {
    "qhub-service": ("qhub.service.client", "HubServiceClient"),
    "planqk-service-sdk": ("planqk.service.client", "PlanqkServiceClient"),
}
PAUSE = 60
"""Seconds between two questions of the client, longer than it may take here."""


@pytest.mark.parametrize("package", CLIENTS)
def test_the_end_of_a_run_is_told_without_a_pause(gateway, tmp_path, package):
    key_id, secret = gateway.access_key()
    module, name = CLIENTS[package]
    tokens, token = gateway.service.cluster.tokens, f"token-of-{NAMESPACE}-access-key-{key_id[7:]}"
    tokens[token, None] = tokens[token, SERVICE_AUDIENCE]
    with SdkProcess(sdk_environment(LOCKS / package / "requirements.lock"), tmp_path) as sdk:
        client = getattr(sdk.module(module), name)(
            f"{gateway.address}/services/{NAMESPACE}/{SERVICE}/wait",
            key_id,
            secret,
            token_endpoint=f"{gateway.address}/oauth/token",
        )
        execution = client.run(request={"a": 1})
        ending = asyncio.run_coroutine_threadsafe(end_when_asked(gateway, execution.id), gateway._loop)
        execution.wait_for_final_state(timeout=PAUSE / 2, wait=PAUSE)
        ending.result(5)
        assert execution.status == "SUCCEEDED"
        assert [one.id for one in client.api.get_service_executions()] == [execution.id]


async def end_when_asked(gateway, name):
    """End the execution once somebody waits for it."""
    service = gateway.service
    async with asyncio.timeout(PAUSE / 2):
        while not service.state.changes.waited_for:  # noqa: ASYNC110 - a held request tells nobody
            await asyncio.sleep(0.01)
    service.finish(name, "Succeeded", startTime="2026-11-28T12:00:00Z", completionTime="2026-11-28T12:00:01Z")
