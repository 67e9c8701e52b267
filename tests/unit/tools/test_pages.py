"""The generated parts of docs/."""

import pytest

from serviceexecution.builds.reasons import BuildReason
from serviceexecution.executions.reasons import Reason
from tests.support.command_tree import COMMANDS
from tools.errors import GenerationError
from tools.pages.command_line import command_page
from tools.pages.field_reference import PAGE as FIELD_PAGE
from tools.pages.field_reference import replace_reference
from tools.pages.markdown import replace_parts, table
from tools.pages.reason_table import PAGE as REASON_PAGE
from tools.pages.reason_table import replace_reasons

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
    page = replace_reasons(PARTS.format("reasons") + PARTS.format("build reasons"))
    assert all(f"| `{reason.value}` |" in page for reason in (*Reason, *BuildReason)), REASON_PAGE
    assert "| platform | yes |" in page.partition("`RegistryUnavailable`")[2].partition("\n")[0]


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
def test_fields_of_pod_templates_are_described(row: str) -> None:
    assert row in field_page(), FIELD_PAGE


def field_page() -> str:
    parts = ("spec", "status", "service spec", "service status", "pool spec", "pool status")
    return replace_reference("".join(PARTS.format(part) for part in parts))


def test_of_a_service_only_what_executions_lack_is_described() -> None:
    service = field_page().partition("service spec:")[2].partition("end of service spec")[0]
    for path in ("runtime.python.entryPoint", "source.git.ref", "build.cancel", "revision", "concurrency"):
        assert f"| `{path}` |" in service
    for path in ("timeout", "secrets", "runtime.docker.command", "podTemplate"):
        assert f"| `{path}` |" not in service
    assert "| `revisions[].commit` |" in field_page().partition("service status:")[2]


def test_the_page_of_commands_has_each_with_its_options_and_examples() -> None:
    text = command_page()
    for words, command in COMMANDS.items():
        section = text.partition(f"\n## sx {words}\n")[2].partition("\n## ")[0]
        assert section, words
        for parameter in command.params:
            assert all(f"{option}" in section for option in parameter.opts if option.startswith("-")), words
        assert f"sx {words}" in section.partition("```sh\n")[2].partition("```")[0], words
    assert "\b" not in text
