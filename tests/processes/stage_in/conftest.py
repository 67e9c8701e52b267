import pytest

from tests.processes.stage_in.staged import StagedPool


@pytest.fixture
def pool(gateway, tmp_path):
    return StagedPool(gateway, tmp_path)
