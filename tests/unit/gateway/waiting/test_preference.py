"""``Prefer: wait=N`` as clients write it."""

import pytest

from serviceexecution.gateway.waiting.preference import preferred_wait


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["wait=10"], 10),
        (["respond-async, wait=10"], 10),
        (["Wait = 7 ; foo=bar"], 7),
        (['wait="20"'], 20),
        (["return=minimal", "wait=0"], 0),
        (["wait=1, wait=2"], 1),
        ([], None),
        (["wait"], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait=\u0661"], None),
        (["wait=9999999999"], None),
        (["await=3"], None),
        ([f"{'x' * 2000}, wait=3"], None),
    ],
)
def test_the_first_wait_that_can_be_read_counts(headers, seconds):
    assert preferred_wait(headers) == seconds
