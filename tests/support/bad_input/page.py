"""Writes `docs/bad-input.md` from the cases: `python -m tests.support.bad_input.page`."""

from pathlib import Path
from typing import Final

from tests.support.bad_input.case import BadInput
from tests.support.bad_input.cluster import CLUSTER_CASES
from tests.support.bad_input.definitions import BAD_SERVICES, BadService
from tests.support.bad_input.refused import REFUSED_CASES
from tests.support.bad_input.spec import SPEC_CASES

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "bad-input.md"

_HEAD: Final = """\
# What a bad input gets

Each row is one case of `tests/e2e/test_bad_input.py`, run on a real cluster, with the sentence that was printed there.
`<…>` stands for what differs from case to case. This page is written by `python -m tests.support.bad_input.page`, and
`tests/unit/docs/test_bad_input_page.py` fails when it is stale.

`spec.startTimeout` (10 minutes unless given) bounds every limit that the last tables name, so that nothing is Pending
for ever. Reason and sentence are in `.status.reason` and `.status.message`, in the condition `Failed` and in an Event;
while a limit runs, the same reason and sentence already stand in the status of the pending execution.
"""


_SERVICES: Final = """\
These are refused in ServiceDefinitions; each row is a case of `tests/cluster/test_definition_crd.py`. Problems that
are found while a service is built are in [builds.md](builds.md#when-a-build-fails)."""


def page() -> str:
    """Return the page's text."""
    return "\n".join(
        [
            _HEAD,
            "## Refused by the API server",
            "",
            "Nothing is created; `kubectl apply` fails with the sentence.",
            "",
            *_refused(REFUSED_CASES),
            "",
            "## Refused by the API server: services",
            "",
            _SERVICES,
            "",
            *_services(BAD_SERVICES),
            "",
            "## Refused by the operator: spec and input",
            "",
            "The execution ends as Failed and no Job is made.",
            "",
            *_failed(SPEC_CASES),
            "",
            "## Found by the cluster: what is named, what is allowed, what is used",
            "",
            "The execution ends as Failed; its Job is deleted, and so is its pod.",
            "",
            *_failed(CLUSTER_CASES),
            "",
        ]
    )


def _refused(cases: tuple[BadInput, ...]) -> list[str]:
    rows = [f"| {case.what} | {case.by.value} | {_code(case.sentence)} |" for case in cases]
    return ["| what is given | refused by | what is said |", "| --- | --- | --- |", *rows]


def _services(cases: tuple[BadService, ...]) -> list[str]:
    rows = [f"| {case.what} | `spec.{case.field}` | {_code(case.sentence)} |" for case in cases]
    return ["| what is given | field | what is said |", "| --- | --- | --- |", *rows]


def _failed(cases: tuple[BadInput, ...]) -> list[str]:
    rows = [f"| {case.what} | `{case.reason}` | {case.when} | {_code(case.sentence)} |" for case in cases]
    return ["| what is given | reason | when | what is said |", "| --- | --- | --- | --- |", *rows]


def _code(text: str) -> str:
    return f"<code>{text.replace('<', '&lt;').replace('>', '&gt;').replace('|', '&#124;')}</code>"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
