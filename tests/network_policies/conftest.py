"""The fixtures of the end-to-end tests, whose cluster this is."""

from tests.e2e.conftest import (
    cluster,
    gateway,
    helm,
    lock_directory,
    new_sandbox,
    operator,
    pytest_runtest_makereport,
    sandbox,
    turn,
)

__all__ = [
    "cluster",
    "gateway",
    "helm",
    "lock_directory",
    "new_sandbox",
    "operator",
    "pytest_runtest_makereport",
    "sandbox",
    "turn",
]
