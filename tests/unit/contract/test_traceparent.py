"""What counts as a traceparent of W3C Trace Context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.contract.traceparent import TraceContext

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("text", [TRACE, f" {TRACE} ", TRACE[:-2] + "00"])
def test_one_is_taken(text):
    found = TraceContext.parse(text)
    assert found is not None
    assert found.text == text.strip()
    assert found.sampled is text.strip().endswith("1")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        TRACE.upper(),
        TRACE.replace("00-", "01-", 1),
        TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        TRACE.replace("b7ad6b7169203331", "0" * 16),
        f"{TRACE}-x",
        f"{TRACE}\n{TRACE}",
        f"{TRACE}{' ' * 100}",
    ],
)
def test_anything_else_is_none(text):
    assert TraceContext.parse(text) is None


@given(st.text(max_size=80))
def test_what_is_taken_can_be_written_anywhere(text):
    found = TraceContext.parse(text)
    assert found is None or (len(found.text) == 55 and found.text.isascii() and "\n" not in found.text)
