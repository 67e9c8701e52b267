"""The real API server does what our programs and the tests' API server in memory take for granted."""

import pytest

from serviceexecution.kube.client import KubernetesClient
from tests.support.api_server.conformance import CHECKS, Check

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_real_api_server_conforms(client: KubernetesClient, namespace: str, check: Check) -> None:
    await check(client, namespace)
