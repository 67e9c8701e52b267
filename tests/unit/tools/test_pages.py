"""The generated parts of docs/."""

import pytest

from serviceexecution.controller.decision.reasons import Reason
from tools.errors import GenerationError
from tools.field_reference import PAGE as FIELD_PAGE
from tools.field_reference import replace_reference
from tools.markdown import replace_parts, table
from tools.reason_table import PAGE as REASON_PAGE
from tools.reason_table import replace_reasons

PARTS = "before\n<!-- {0}: made by make generate -->\nold\n<!-- end of {0} -->\nafter\n"


def test_only_the_part_between_the_markers_changes() -> None:
    page = PARTS.format("part")
    once = replace_parts("page.md", page, {"part": "new\n"})
    assert "new" in once
    assert "old" not in once
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert replace_parts("page.md", once, {"part": "new\n"}) == once


def test_a_page_without_markers_is_an_error() -> None:
    with pytest.raises(GenerationError, match=r"page\.md lacks"):
        replace_parts("page.md", "text", {"part": "new\n"})


def test_cells_cannot_break_the_table() -> None:
    assert table(("A", "B"), [("`<a|b>`", "x <y> | z")]) == (
        "| A | B |\n| --- | --- |\n| `<a\\|b>` | x &lt;y> \\| z |\n"
    )


def test_every_reason_has_a_row() -> None:
    page = replace_reasons(PARTS.format("reasons"))
    assert all(f"| `{reason.value}` |" in page for reason in Reason), REASON_PAGE


@pytest.mark.parametrize(
    "row",
    [
        "so far are kept. Cannot be taken back. May be changed later. |",
        "| `runtime.docker.imagePullPolicy` | `Always` or `IfNotPresent` or `Never` |",
        "| `runtime.docker.image` | string, ≤ 1024 characters |",
        "| `output.limit` | quantity |",
        "| `timeout` | duration |",
        "| `env[].valueFrom.secretKeyRef.name` |",
        "| `dataPools.<name>.readOnly` | boolean |",
        "| `ttlSecondsAfterFinished` | integer, 0 to 315360000 |",
        "| `affinity` | any object |",
        "| `result.files` | list of object |",
        "| `startTime` | time |",
    ],
)
def test_fields_are_described(row: str) -> None:
    page = replace_reference(PARTS.format("spec") + PARTS.format("status"))
    assert row in page, FIELD_PAGE
