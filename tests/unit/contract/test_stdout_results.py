"""Results that a program prints."""

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.contract.stdout_results import BLOCK_MARKER, StdoutResultScanner


def scan(text: str, **limits: int) -> StdoutResultScanner:
    scanner = StdoutResultScanner(**limits)
    for line in text.splitlines(keepends=True):
        scanner.feed(line)
    return scanner


BLOCK = f'{BLOCK_MARKER}\n{{\n  "sum": 42\n}}\n{BLOCK_MARKER}\n'


def test_a_printed_block_is_the_result() -> None:
    scanner = scan(f"hello\n{BLOCK}bye\n")
    assert scanner.result == '{\n  "sum": 42\n}'
    assert scanner.problem is None


def test_without_a_printed_block_there_is_no_result() -> None:
    scanner = scan("hello\n{}\nPlanQK:Job:Else\nsee PlanQK:Job:MultilineResult for more\n")
    assert (scanner.result, scanner.problem, scanner.interim) == (None, None, ())


def test_windows_line_ends_and_one_line_blocks() -> None:
    assert scan(f'{BLOCK_MARKER}\r\n{{"a": 1.0}}\r\n{BLOCK_MARKER}\r\n').result == '{"a": 1.0}'


@pytest.mark.parametrize(
    "content", ["", "[1]", '"x"', '{"a": NaN}', '{"a": 1', "hello", '{"a": 1} x', "[" * 5_000]
)
def test_only_the_first_block_counts_even_when_it_is_bad(content: str) -> None:
    scanner = scan(f"{BLOCK_MARKER}\n{content}\n{BLOCK_MARKER}\n{BLOCK}")
    assert scanner.result is None
    assert "not a valid JSON object" in (scanner.problem or "")


def test_the_first_of_two_good_blocks() -> None:
    assert json.loads(scan(BLOCK + BLOCK.replace("42", "43")).result or "") == {"sum": 42}


def test_an_open_block_is_no_result() -> None:
    scanner = scan(f'{BLOCK_MARKER}\n{{"a": 1}}\n')
    assert scanner.result is None
    assert "closes" in (scanner.problem or "")


def test_a_result_line_and_the_first_counts() -> None:
    scanner = scan('x\nPlanQK:Job:Result: {"a": 12345678901234567890}\nPlanQK:Job:Result: {"a": 2}\n')
    assert scanner.result == '{"a": 12345678901234567890}'


def test_a_bad_first_result_line() -> None:
    scanner = scan('PlanQK:Job:Result: nothing\nPlanQK:Job:Result: {"a": 2}\n')
    assert scanner.result is None
    assert "PlanQK:Job:Result:" in (scanner.problem or "")


def test_the_block_wins_over_the_line_in_any_order() -> None:
    line = 'PlanQK:Job:Result: {"sum": 1}\n'
    for text in (line + BLOCK, BLOCK + line):
        assert json.loads(scan(text).result or "") == {"sum": 42}
    bad = scan(f"{line}{BLOCK_MARKER}\nx\n{BLOCK_MARKER}\n")
    assert bad.result is None
    assert bad.problem


def test_an_open_block_leaves_the_line() -> None:
    scanner = scan(f'PlanQK:Job:Result: {{"a": 1}}\n{BLOCK_MARKER}\nx\n')
    assert (scanner.result, scanner.problem) == ('{"a": 1}', None)


@pytest.mark.parametrize(
    "before", ["\ufeff", " 50%\r100%\r", "\x1b[32m", "\x1b[2K\x1b[1G", "\xa0\x85\x1c"], ids=ascii
)
def test_what_a_terminal_does_not_show_is_no_part_of_a_line(before: str) -> None:
    """Progress that is drawn over, colours, and the mark with which .NET begins its output."""
    line, block = StdoutResultScanner(), StdoutResultScanner()
    line.feed(f'{before}PlanQK:Job:Result: {{"a": 1}}\x1b[0m\n')
    assert line.result == '{"a": 1}'
    for text in (f"{before}{BLOCK_MARKER}\x1b[0m", "{}", BLOCK_MARKER):
        block.feed(f"{text}\n")
    assert block.result == "{}"


def test_a_carriage_return_inside_of_the_result_stays() -> None:
    assert scan('PlanQK:Job:Result: {"a":\n').result is None
    scanner = StdoutResultScanner()
    scanner.feed('PlanQK:Job:Result: {"a":\r1}\n')
    assert scanner.result == '{"a":\r1}'


@pytest.mark.parametrize(
    "text",
    ['12:00 INFO PlanQK:Job:Result: {"a": 1}', f"INFO - {BLOCK_MARKER}\nINFO - {{}}\nINFO - {BLOCK_MARKER}"],
)
def test_a_result_behind_the_words_of_a_logger_is_told(text: str) -> None:
    scanner = scan(f"{text}\n")
    assert scanner.result is None
    assert "behind other text, so that it is no result; print it at the beginning of a line" in str(
        scanner.problem
    )
    assert scan(f"{text}\n{BLOCK}").problem is None


def test_marker_lines_inside_a_block_are_not_part_of_it() -> None:
    scanner = scan(f'{BLOCK_MARKER}\n{{"a":\nPlanQK:Job:InterimResult: {{"i": 1}}\n1}}\n{BLOCK_MARKER}\n')
    assert json.loads(scanner.result or "") == {"a": 1}
    assert scanner.last_interim == '{"i": 1}'


def test_too_large_results_are_dropped_and_said() -> None:
    big = json.dumps({"a": "ä" * 50}, ensure_ascii=False)
    assert scan(f"{BLOCK_MARKER}\n{big}\n{BLOCK_MARKER}\n", limit=len(big.encode())).result == big
    scanner = scan(f"{BLOCK_MARKER}\n{big}\n{BLOCK_MARKER}\n", limit=len(big.encode()) - 1)
    assert scanner.result is None
    assert "output.json" in (scanner.problem or "")
    line = scan(f"PlanQK:Job:Result: {big}\n", limit=20)
    assert line.result is None
    assert "larger than 20 bytes" in (line.problem or "")


def test_memory_is_bounded_in_an_endless_block() -> None:
    scanner = StdoutResultScanner(limit=10_000, interim_limit=10_000)
    scanner.feed(BLOCK_MARKER)
    tracemalloc.start()
    for n in range(2_000):
        scanner.feed("x" * 1_000)
        scanner.feed('PlanQK:Job:InterimResult: {"n": "%s"}' % (str(n) * 100))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000


def test_interim_results_are_the_newest() -> None:
    lines = "".join(
        f'PlanQK:Job:InterimResult: {{"step": {n}}}\nPlanQK:Job:InterimResult: no\n' for n in range(50)
    )
    scanner = scan(lines, interim_limit=40)
    assert scanner.interim == ('{"step": 47}', '{"step": 48}', '{"step": 49}')
    assert scanner.last_interim == '{"step": 49}'
    assert scan('PlanQK:Job:InterimResult: {"a": "too long"}\n', interim_limit=5).interim == ()


@given(
    st.lists(st.sampled_from([BLOCK_MARKER, "{", "}", '{"a": 1}', 'PlanQK:Job:Result: {"b": 2}', "x", ""]))
)
def test_what_is_found_is_always_an_object(lines: list[str]) -> None:
    scanner = StdoutResultScanner()
    for line in lines:
        scanner.feed(line)
    assert scanner.result is None or isinstance(json.loads(scanner.result), dict)
    assert scanner.result is None or scanner.problem is None


def test_a_long_log_is_scanned_quickly() -> None:
    scanner = StdoutResultScanner()
    started = time.process_time()
    for _ in range(400_000):
        scanner.feed("2026-11-23 14:18:55.645 | INFO | a line as programs print them, without any result\n")
    assert time.process_time() - started < 2  # about 0.1 s
