"""``pytest --update-golden tests/unit/controller`` writes the golden files; read the difference before a commit."""

import pytest

from tests.unit.controller.harness import Clock, World


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden", default=False))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a cluster with a controller, at the time 0 of the builders."""
    clock = Clock()
    monkeypatch.setattr("serviceexecution.controller.observe.datetime", clock)
    return World(clock)
