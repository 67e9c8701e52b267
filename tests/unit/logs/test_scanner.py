"""Printed results in blocks of log lines."""

from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.logs.scanner import LogScanner

STAMP = b"2026-11-23T15:00:00.000000000Z "


def scan(*texts: bytes, cuts: list[int] | None = None) -> LogScanner:
    scanner = LogScanner()
    block: list[bytes] = []
    for number, text in enumerate(texts):
        block.append(STAMP + text + b"\n")
        if cuts is None or number in cuts:
            scanner.feed(b"".join(block))
            block = []
    scanner.feed(b"".join(block))
    return scanner


@given(st.lists(st.integers(0, 8)))
def test_a_block_is_found_however_the_log_is_cut(cuts):
    scanner = scan(
        b"noise",
        b"PlanQK:Job:MultilineResult",
        b"{",
        b' "sum": 6',
        b"}",
        b"  PlanQK:Job:MultilineResult \r",
        b"more",
        b"PlanQK:Job:MultilineResult",
        b'{"second": 1}',
        cuts=cuts,
    )
    assert scanner.result == b'{\n "sum": 6\n}'


def test_the_one_line_form_and_no_result():
    assert (
        scan(b'PlanQK:Job:Result: {"a": "\xc3\xbc"}', b'PlanQK:Job:Result: {"a": 2}').result
        == '{"a": "ü"}'.encode()
    )
    assert scan(b"nothing").result is None
    assert scan(b"nothing").problem is None


def test_a_block_with_odd_blanks_around_its_markers_is_found():
    """Its lines once went unread, since bytes and texts know other blanks."""
    marker = "\xa0PlanQK:Job:MultilineResult\x85".encode()
    assert scan(marker, b'{"a": 1}', marker).result == b'{"a": 1}'


def test_a_block_that_is_never_closed_is_a_problem():
    scanner = scan(b"PlanQK:Job:MultilineResult", b"{}")
    assert scanner.result is None
    assert "no second one" in (scanner.problem or "")


def test_bytes_that_are_no_utf8_do_not_hurt():
    assert scan(b"\xff\x00PlanQK:Job:", b"PlanQK:Job:Result: {}").result == b"{}"
