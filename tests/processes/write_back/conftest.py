import pytest

from tests.processes.write_back.written import WrittenPool


@pytest.fixture
def pool(gateway, tmp_path):
    return WrittenPool(gateway, tmp_path)
