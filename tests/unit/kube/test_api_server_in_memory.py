"""The API server in memory does what the real one does: tests/cluster/kube has the same checks."""

import pytest

from tests.support.api_server.conformance import CHECKS, Check
from tests.support.api_server.server import ApiServer


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_api_server_in_memory_conforms(check: Check) -> None:
    await check(ApiServer(), "team")
