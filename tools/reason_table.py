"""The table in docs/reasons.md, from the controller's closed list."""

from typing import Final

from serviceexecution.controller.decision.reasons import MEANINGS
from tools.markdown import replace_parts, table

PAGE: Final = "docs/reasons.md"


def replace_reasons(text: str) -> str:
    """Return the page with a fresh table; raises GenerationError."""
    rows = [
        (f"`{reason.value}`", meaning.sentence, meaning.owner.value) for reason, meaning in MEANINGS.items()
    ]
    return replace_parts(PAGE, text, {"reasons": table(("Reason", "Sentence", "Whose turn"), rows)})
