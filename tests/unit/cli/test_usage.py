"""``sx usage``."""

from serviceexecution.cli.commands.usage import usage_rows
from serviceexecution.contract.json_types import JsonObject

MONTH: JsonObject = {
    "month": "2026-11",
    "executions": 3,
    "failures": 1,
    "cancelled": 0,
    "cpuSeconds": 7200.0,
    "gibHours": 1.5,
}


def test_months_are_rows_the_newest_first():
    older: JsonObject = {**MONTH, "month": "2026-10", "partial": True}
    empty: JsonObject = {**MONTH, "month": "2026-09", "executions": 0}
    rows = usage_rows({"service": "adder", "months": [older, MONTH, empty]})
    assert rows == [
        ("adder", "2026-11", "3", "1", "0", "2.000", "1.500"),
        ("adder", "2026-10+", "3", "1", "0", "2.000", "1.500"),
    ]


def test_a_service_without_ended_executions_says_so(sx, cluster):
    cluster.definition("adder")
    cluster.usage["adder"] = {"service": "adder", "months": []}
    code, _, errors = sx("usage", "adder")
    assert (code, errors) == (0, "No execution has ended yet.\n")


def test_one_month_of_all_services_is_asked_for(sx, cluster):
    cluster.definition("adder")
    cluster.usage["adder"] = {"service": "adder", "months": [MONTH]}
    code, out, _ = sx("usage", "--month", "2026-11")
    assert code == 0
    assert out.splitlines()[1].split() == ["adder", "2026-11", "3", "1", "0", "2.000", "1.500"]
    assert cluster.requests("GET", "/adder/usage?month=2026-11")
