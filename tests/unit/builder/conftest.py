import os
from pathlib import Path

import pytest

from serviceexecution.builder.pod.output import Output
from tests.unit.builder.fake_gateway import FakeGateway, serving


@pytest.fixture
def fake_gateway():
    with serving(FakeGateway()) as fake:
        yield fake


@pytest.fixture
def output(tmp_path: Path):
    """Output into a file; ``output.text()`` reads it."""
    path = tmp_path / "output.txt"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)

    class Readable(Output):
        def text(self) -> str:
            return path.read_text()

    yield Readable(descriptor)
    os.close(descriptor)
