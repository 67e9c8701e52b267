"""Events in any order, lost, doubled and late, and restarts at any point: one end, the right one, in bounded time."""

import logging

import structlog

from tests.faults.histories import check


def test_every_history_of_a_few_executions_ends_as_it_must() -> None:
    """A sample that is always the same; ``make histories`` goes on from there."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        check(examples=60, steps=30, derandomize=True)
    finally:
        structlog.configure(**before)
