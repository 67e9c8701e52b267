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


def test_hostile_lines_are_quick():
    for text in ("2026-11-23 14:18:55 " + "- " * 5000, "[" * 10_000, "a=" * 10_000, '{"a":' * 5000):
        assert severity_of(text) == "INFO"
