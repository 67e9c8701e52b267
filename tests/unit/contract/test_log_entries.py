"""Severities of log lines as common loggers write them."""

import pytest

from serviceexecution.contract.log_entries import LogEntry, log_entry, severity_of


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("", "INFO"),
        ("hello", "INFO"),
        ("an error occurred, a WARNING too", "INFO"),
        ("Errors: 0", "INFO"),
        ("INFORMATION wants to be free", "INFO"),
        ("ERROR_CODE=5", "INFO"),
        ("WARNING:root:text", "WARNING"),
        ("ERROR:my.module:boom", "ERROR"),
        ("DEBUG text", "DEBUG"),
        ("[ERROR] text", "ERROR"),
        ("CRITICAL - text", "ERROR"),
        ("NOTICE: text", "NOTICE"),
        ("2026-11-23 14:18:55,645 - my.module - ERROR - text", "ERROR"),
        ("2026-11-23 14:18:55,645 my.module WARNING text", "WARNING"),
        ("2026-11-23 14:18:55,645 INFO text", "INFO"),
        ("2026-11-23T14:18:55.645Z ERROR text", "ERROR"),
        ("2026-11-23T14:18:55.645+01:00 [DEBUG] text", "DEBUG"),
        ("2026-11-23 14:18:55.645 | WARNING  | logging:callHandlers:1706 - text", "WARNING"),
        ("2026-11-23 14:18:55.645 | SUCCESS  | a:b:1 - error", "INFO"),
        ("2026-11-23 14:18:55.645 | TRACE    | a:b:1 - x", "DEBUG"),
        ("2026-11-23 14:18:55.645 | CRITICAL | a:b:1 - x", "ERROR"),
        ("2026-11-23 14:18:55.645 | Level 35 | a:b:1 - x", "WARNING"),
        ("E1123 14:18:55.645123       1 main.go:5] text", "ERROR"),
        ("W1123 14:18:55.645123       1 main.go:5] error", "WARNING"),
        ("I1123 14:18:55.645123       1 main.go:5] error", "INFO"),
        ('{"level": "warn", "msg": "error"}', "WARNING"),
        ('{"severity": "NOTICE", "message": "x"}', "NOTICE"),
        ('{"levelname": "ERROR"}', "ERROR"),
        ('{"level": 50, "msg": "x"}', "ERROR"),
        ('{"level": 30, "msg": "x"}', "INFO"),
        ('{"level": 20, "msg": "x"}', "DEBUG"),
        ('{"level": ["a"]}', "INFO"),
        ('{"level": "error"', "INFO"),
        ('time="2026-11-23T14:18:55Z" level=error msg="x"', "ERROR"),
        ("level=debug msg=x", "DEBUG"),
        ("sea level=high", "INFO"),
        ("Traceback (most recent call last):", "INFO"),
    ],
)
def test_the_severity_of_a_line_is_recognised(line, severity):
    assert severity_of(line) == severity


def test_an_entry_keeps_the_line_and_has_nine_digits():
    stored = "2026-11-23T14:18:55.64512Z   WARNING:root:  two  blanks "
    assert log_entry(stored) == LogEntry(
        "  WARNING:root:  two  blanks ", "WARNING", "2026-11-23T14:18:55.645120000Z"
    )
    assert log_entry("2026-11-23T14:18:55Z x").timestamp == "2026-11-23T14:18:55.000000000Z"


@pytest.mark.parametrize(
    ("stamp", "timestamp"),
    [
        ("2026-11-23T18:30:01.12+05:30", "2026-11-23T13:00:01.120000000Z"),
        ("2026-11-23T18:30:01.123456789+05:30", "2026-11-23T13:00:01.123456789Z"),
        ("2026-11-23T23:59:59.5-03:30", "2026-11-24T03:29:59.500000000Z"),
        ("2026-01-01T00:15:00+05:45", "2025-12-31T18:30:00.000000000Z"),
        ("2026-11-23T14:18:55.000000001+00:00", "2026-11-23T14:18:55.000000001Z"),
    ],
)
def test_a_time_of_a_node_in_any_zone_is_given_in_utc(stamp, timestamp):
    assert log_entry(f"{stamp} text").timestamp == timestamp


def test_what_is_no_time_stays_as_it_is():
    assert log_entry("no time").timestamp == "no"
    assert log_entry("2026-02-30T00:00:00+01:00 x").timestamp == "2026-02-30T00:00:00.000000000Z"


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("\x1b[31mERROR\x1b[0m: text", "ERROR"),
        ("\x1b[1;33m[WARNING]\x1b[0m text", "WARNING"),
        ("\x1b[2K\x1b[1GERROR text", "ERROR"),
        ("\x1b]0;title\x07ERROR text", "ERROR"),
        ("\ufeffERROR text", "ERROR"),
        ("\0\0ERROR text", "ERROR"),
        ("\r 10%|#   |\r 50%|##  |\rERROR:root:text", "ERROR"),
        ("ERROR:root:text\r", "ERROR"),
        ("ERROR 10%\r 100%", "INFO"),
    ],
)
def test_colours_and_rewritten_lines_have_the_severity_that_is_seen(line, severity):
    assert severity_of(line) == severity


def test_hostile_lines_are_quick():
    for text in (
        "\r" * 20_000,
        "\x1b[" * 10_000,
        "2026-11-23 14:18:55 " + "- " * 5000,
        "[" * 10_000,
        "a=" * 10_000,
        '{"a":' * 5000,
    ):
        assert severity_of(text) == "INFO"
