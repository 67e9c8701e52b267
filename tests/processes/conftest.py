import pytest

from tests.processes.collector.live import LiveGateway
from tests.unit.gateway.collect.collector_cluster import REF, CollectorCluster


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests: starting it takes longer than most of them."""
    gateway = LiveGateway(tmp_path_factory.mktemp("live"))
    yield gateway
    gateway.stop(abruptly=True)


@pytest.fixture
def gateway(server):
    """The server with an empty store and an execution whose program has not started."""
    server.kubernetes.__dict__.update(CollectorCluster().__dict__)
    server.kubernetes.add_execution()
    server.call(server.store.delete_execution(REF.namespace, REF.uid))
    server.restart_app()
    return server
