"""End-to-end tests run against whatever KUBECONFIG names, with the operator installed.

Each test has a namespace of its own that enforces Pod Security *restricted*, so that every test also proves that the
rendered pods pass it.
"""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from tests.support.cluster import CUSTOM_RESOURCE_DEFINITIONS, ApiError, Cluster
from tests.support.figures import FIGURE
from tests.support.gateway import Gateway, gateway_address
from tests.support.locks import alone, together
from tests.support.operator import Operator
from tests.support.report import namespace_report, operator_report
from tests.support.sandbox import Sandbox
from tools import ROOT

_HERE = Path(__file__).parent
_REPORTS: "pytest.StashKey[list[Callable[[], tuple[str, str]]]]" = pytest.StashKey()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.e2e)
            if item.get_closest_marker("timeout") is None:
                # Waiting for a test that must be alone does not count.
                item.add_marker(pytest.mark.timeout(600, func_only=True))
            if item.get_closest_marker("alone"):
                # One worker begins with all of them, while the others run tests that need no cluster.
                item.add_marker(pytest.mark.xdist_group("alone"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the test's namespace looked like to the report of a failure."""
    report = yield
    if report.when == "call" and report.failed:
        for section in item.stash.get(_REPORTS, []):
            report.sections.append(section())
    return report


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Return what keeps a measured figure for the end of the run."""
    return lambda text: record_property(FIGURE, text)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Return the cluster; skips without one or without our resource in it."""
    try:
        found = Cluster()
        installed = found.get(CUSTOM_RESOURCE_DEFINITIONS, None, "serviceexecutions.serviceexecution.dev")
    except (ConfigException, ApiError, HTTPError) as error:
        pytest.skip(f'no cluster: {error}; start one by `make up`, then `eval "$(make -s env)"`')
    if installed is None:
        pytest.skip("the cluster has no ServiceExecution resource: install the operator by `make up`")
    return found


@pytest.fixture(scope="session")
def operator(cluster: Cluster) -> Operator:
    """Return the installed operator, ready."""
    found = Operator.find(cluster)
    if found is None:
        pytest.skip("no operator is running in the cluster: install it by `make up`")
    found.wait_until_ready()
    return found


@pytest.fixture(scope="session")
def gateway(cluster: Cluster, operator: Operator) -> Iterator[Gateway]:
    """Return the gateway as users reach it."""
    address = gateway_address(cluster, operator.namespace)
    if address is None:
        pytest.skip("set SX_GATEWAY_ADDRESS to where the gateway can be reached from here")
    found = Gateway(address)
    yield found
    found.close()


@pytest.fixture
def helm(operator: Operator) -> Callable[..., str]:
    """Return what runs helm against the release; skips when the operator was installed otherwise."""
    found = shutil.which("helm")
    if found is None:
        pytest.skip('helm is not in PATH: eval "$(make -s env)" after `make up`')

    def run(*arguments: str) -> str:
        command = [found, "--namespace", operator.namespace, *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    releases = json.loads(run("list", "--output", "json"))
    if [release["name"] for release in releases] != ["serviceexecution"]:
        pytest.skip(f"the operator in namespace {operator.namespace} was not installed by Helm")
    return run


@pytest.fixture(scope="session")
def lock_directory(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a directory that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    directory = shared / "locks"
    directory.mkdir(exist_ok=True)
    return directory


@pytest.fixture
def turn(request: pytest.FixtureRequest, lock_directory: Path) -> Iterator[None]:
    """Keep tests marked ``alone`` apart from all others."""
    lock = alone if request.node.get_closest_marker("alone") else together
    with lock(lock_directory):
        yield


@pytest.fixture
def new_sandbox(
    request: pytest.FixtureRequest, turn: None, cluster: Cluster, operator: Operator
) -> Iterator[Callable[..., Sandbox]]:
    """Return what makes namespaces, which are deleted after the test."""
    made: list[Sandbox] = []
    reports = request.node.stash.setdefault(_REPORTS, [])
    reports.append(lambda: ("operator's logs", operator_report(cluster, operator.namespace)))

    def make(*, level: str = "restricted") -> Sandbox:
        sandbox = Sandbox(cluster, level=level)
        made.append(sandbox)
        reports.append(lambda: (f"namespace {sandbox.name}", namespace_report(cluster, sandbox.name)))
        return sandbox

    yield make
    for sandbox in made:
        with contextlib.suppress(ApiError, HTTPError):
            sandbox.close()


@pytest.fixture
def sandbox(new_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Return the test's own namespace."""
    return new_sandbox()
