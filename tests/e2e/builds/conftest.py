"""Builds on the real node: BuildKit in namespaces that enforce *baseline*, buildah where they enforce *restricted*."""

from collections.abc import Callable

import pytest

from tests.support.builds import Builds
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox

NewBuilds = Callable[..., Builds]


@pytest.fixture
def new_builds(new_sandbox: Callable[..., Sandbox], gateway: Gateway) -> NewBuilds:
    """Return what makes namespaces to build in."""

    def make(*, level: str = "baseline") -> Builds:
        return Builds(new_sandbox(level=level), gateway)

    return make


@pytest.fixture
def builds(new_builds: NewBuilds) -> Builds:
    """Return the builds of the test's own namespace, which enforces *baseline*."""
    return new_builds()
