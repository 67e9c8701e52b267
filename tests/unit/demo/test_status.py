"""What the demo checks before it says that all is well."""

import hashlib
from typing import Any

import pytest

from demo.errors import DemoError
from demo.status import Shown, check_content, check_log, check_result, find_file, shown, status_of
from serviceexecution.resources.executions.execution_status import ExecutionStatus

CONTENT = b"value,weight\n1,1.0\n"


def status(**changes: object) -> ExecutionStatus:
    body: dict[str, Any] = {
        "phase": "Succeeded",
        "reason": "Succeeded",
        "message": "The program ended with exit code 0.",
        "result": {
            "output": '{"sum": 6}\n',
            "files": [
                {
                    "name": "products.csv",
                    "size": len(CONTENT),
                    "sha256": hashlib.sha256(CONTENT).hexdigest(),
                    "mediaType": "text/csv",
                }
            ],
        },
        "log": {"bytes": 8, "lines": 2},
        **changes,
    }
    return status_of({"status": body})


def test_nothing_is_shown_before_the_controller_has_spoken() -> None:
    assert shown(status_of({})) is None


def test_phase_reason_and_message_are_shown() -> None:
    assert shown(status()) == Shown("Succeeded", "Succeeded", "The program ended with exit code 0.")


def test_the_expected_result_passes() -> None:
    assert check_result(status()) == '{"sum": 6}'


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"phase": "Failed", "message": "The program failed."},
            "should have succeeded but is Failed: The program",
        ),
        ({"result": None}, "holds no result"),
        ({"result": {"output": "six"}}, "not JSON: 'six'"),
        ({"result": {"output": '{"sum": 5}'}}, r'should be \{"sum": 6\} but is \{"sum": 5\}'),
    ],
)
def test_any_other_result_is_an_error(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(DemoError, match=sentence):
        check_result(status(**changes))


def test_a_file_is_found_by_name() -> None:
    check_content(find_file(status(), "products.csv"), CONTENT)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(DemoError, match=r"other.csv but lists \['products.csv'\]"):
        find_file(status(), "other.csv")


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT.upper()])
def test_changed_content_is_noticed(content: bytes) -> None:
    with pytest.raises(DemoError, match="SHA-256"):
        check_content(find_file(status(), "products.csv"), content)


def test_a_whole_log_passes() -> None:
    check_log(status(), "one\ntwo\n")


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        (None, "says nothing of its log"),
        ({"bytes": 8, "lines": 3}, "3 lines, but the gateway gave 2"),
        ({"bytes": 8, "lines": 2, "truncated": True}, "should be whole"),
    ],
)
def test_a_log_that_is_not_whole_is_noticed(log: object, sentence: str) -> None:
    with pytest.raises(DemoError, match=sentence):
        check_log(status(log=log), "one\ntwo\n")
