"""Lint, format, types, import rules and stale generated files, each a test, so that one count holds everything."""

import pytest

from cluster.checks import Check, checks, run


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_a_check_of_the_repository_passes(check: Check) -> None:
    good, output = run(check)
    assert good, f"`python -m {' '.join(check.argv)}` says:\n{output}"
