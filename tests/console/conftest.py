"""The console in Debian's Chromium, against the real gateway over an API server in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from cluster.console_files import bundle
from cluster.node.packages import BROWSER, install_missing
from cluster.settings import cache_home
from tests.console.harness import Console
from tests.support.served_gateway import ServedGateway


@pytest.fixture(scope="session")
def built() -> Path:
    """Return the console's built files."""
    return bundle(cache_home())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser for the tests of one file.

    Until it is closed, Playwright's event loop counts as running in the thread of the tests, so that no other test
    of the same process could start one of its own.
    """
    install_missing(BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER["chromium"][0], args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def gateway(tmp_path: Path, built: Path) -> Iterator[ServedGateway]:
    """Return a gateway with the service "sum" and a user, alice, who may do everything."""
    with ServedGateway(tmp_path, console_directory=str(built)) as served:
        yield served


@pytest.fixture
def console(browser: Browser, gateway: ServedGateway) -> Iterator[Console]:
    """Return the console's page, signed in as alice, as wide as a desktop's."""
    with Console(browser, gateway) as console:
        console.sign_in()
        yield console
