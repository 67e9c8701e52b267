"""What tests with an embedded cluster of their own share."""

from collections.abc import Iterator

import pytest

from tests.support.locks import together


@pytest.fixture(scope="module")
def embedded_turn(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """Wait while an end-to-end test wants the machine for itself."""
    base = tmp_path_factory.getbasetemp()
    locks = (base if worker_id == "master" else base.parent) / "locks"
    locks.mkdir(exist_ok=True)
    with together(locks):
        yield
