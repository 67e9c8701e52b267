"""The platform's packages, unmodified, against the real gateway over an API server in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.platform.platform_client import Platform
from tests.support.sdk.environment import sdk_environment
from tests.support.sdk.process import SdkProcess
from tests.support.served_gateway import ServedGateway

LOCKS: Final = Path(__file__).parents[1] / "sdk"
"""Where the locks of the packages' environments are."""


@pytest.fixture(scope="module")
def sdk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkProcess]:
    """Return the package that the test module's ``PACKAGE`` names, in a process of its own."""
    python = sdk_environment(LOCKS / request.module.PACKAGE / "requirements.lock")
    with SdkProcess(python, tmp_path_factory.mktemp("home")) as process:
        yield process


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[ServedGateway]:
    """Return a gateway with the service "sum" and a user, alice, who may do everything."""
    with ServedGateway(tmp_path) as served:
        yield served


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def platform(request: pytest.FixtureRequest, sdk: SdkProcess, gateway: ServedGateway) -> Platform:
    """Return alice's client, once the usual and once the asynchronous one."""
    return Platform(sdk, gateway, asynchronous=request.param)


@pytest.fixture
def sync(sdk: SdkProcess, gateway: ServedGateway) -> Platform:
    """Return alice's usual client."""
    return Platform(sdk, gateway)
