import pytest

from tests.processes.collector.live import Pod


@pytest.fixture
def gateway(gateway):
    """The same, but main has ended."""
    gateway.call(gateway.kubernetes.set_main("terminated"))
    return gateway


@pytest.fixture
def pod(gateway, tmp_path):
    return Pod(tmp_path, gateway.url)
