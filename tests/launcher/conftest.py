"""The launcher under the real in-container libraries, each in an environment of its own."""

from pathlib import Path

import pytest

from tests.support.launcher.process import install
from tests.support.sdk.environment import sdk_environment

HERE = Path(__file__).parent


def library_python(name: str) -> Path:
    """Return the interpreter of the environment ``tests/launcher/<name>``."""
    return sdk_environment(HERE / name / "requirements.lock")


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the entry of PYTHONPATH that has the launcher, and nothing else of ours."""
    return install(tmp_path_factory.mktemp("launcher"))
