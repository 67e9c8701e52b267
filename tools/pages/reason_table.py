"""The tables in docs/reasons.md, from the closed lists of executions and of builds."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from serviceexecution.builds.reasons import MEANINGS as BUILD_MEANINGS
from serviceexecution.builds.reasons import RETRIED
from serviceexecution.executions.reasons import MEANINGS
from serviceexecution.resources.meaning import Meaning
from tools.pages.markdown import replace_parts, table

PAGE: Final = "docs/reasons.md"


def replace_reasons(text: str) -> str:
    """Return the page with fresh tables; raises GenerationError."""
    again = {reason: "yes" if reason in RETRIED else "" for reason in BUILD_MEANINGS}
    return replace_parts(
        PAGE,
        text,
        {
            "reasons": table(("Reason", "Sentence", "Whose turn"), _rows(MEANINGS.items())),
            "build reasons": table(
                ("Reason", "Sentence", "Whose turn", "Tried again"),
                [
                    (*row, more)
                    for row, more in zip(_rows(BUILD_MEANINGS.items()), again.values(), strict=True)
                ],
            ),
        },
    )


def _rows(meanings: Iterable[tuple[StrEnum, Meaning]]) -> list[tuple[str, str, str]]:
    return [(f"`{reason.value}`", meaning.sentence, meaning.owner.value) for reason, meaning in meanings]
