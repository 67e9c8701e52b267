"""The platform's real clients, unmodified, against the Service API of the cluster that KUBECONFIG names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import (  # noqa: F401 - fixtures and the report of failures are those of all tests on pods
    cluster,
    figure,
    gateway,
    lock_directory,
    new_sandbox,
    operator,
    pytest_runtest_makereport,
    sandbox,
    turn,
)
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox
from tests.support.sdk.environment import sdk_environment
from tests.support.sdk.process import SdkProcess
from tests.support.service_api import ServiceApi

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def service_api(sandbox: Sandbox, gateway: Gateway) -> ServiceApi:  # noqa: F811
    """Return the Service API of the test's namespace."""
    return ServiceApi(sandbox, gateway.address)


@pytest.fixture
def sdk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SdkProcess]:
    """Return the package that the test module's ``PACKAGE`` names, in a process of its own."""
    python = sdk_environment(_HERE / request.module.PACKAGE / "requirements.lock")
    with SdkProcess(python, tmp_path) as process:
        yield process
