"""A client that leads by a Lease: right before each write is sent it asks whether it still leads."""

from email.utils import format_datetime

import pytest

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import JOBS
from serviceexecution.kube.server_clock import ServerClock
from tests.unit.executions.builders import at
from tests.unit.kube.conftest import FakeApiServer


async def test_a_client_that_may_lead_no_more_reads_and_writes_nothing(
    api: FakeApiServer, client: KubernetesClient
):
    leads = True
    mine = await KubernetesClient.connect(user_agent="test/1", may_write=lambda: leads)
    api.always(200, {"metadata": {"name": "a"}})
    await mine.create(JOBS, "team", {"metadata": {"name": "a"}})
    leads = False
    with pytest.raises(KubernetesError, match="another controller may be leading") as refused:
        await mine.create(JOBS, "team", {"metadata": {"name": "a"}})
    assert refused.value.retriable
    with pytest.raises(KubernetesError, match="another controller may be leading"):
        await mine.patch(JOBS, "team", "a", {})
    assert await mine.get(JOBS, "team", "a") is not None
    assert [method for method, *_ in api.requests] == ["POST", "GET"]
    await mine.close()


async def test_answers_put_the_clock_right(api: FakeApiServer, client: KubernetesClient):
    clock = ServerClock()
    mine = await KubernetesClient.connect(user_agent="test/1", clock=clock)
    api.always(200, {"metadata": {"name": "a"}}, {"Date": format_datetime(at(0), usegmt=True)})
    await mine.get(JOBS, "team", "a")
    assert abs((clock.now() - at(0)).total_seconds()) < 30
    await mine.close()
