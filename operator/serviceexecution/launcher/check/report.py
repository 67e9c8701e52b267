"""What the check found: one reason of the builds' closed list, and one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from serviceexecution.launcher.schema.pieces import JsonSchema

SUCCEEDED: Final = "Succeeded"
SYNTAX_ERROR: Final = "SyntaxError"
ENTRY_POINT_MISSING: Final = "EntryPointMissing"
IMPORT_FAILED: Final = "ImportFailed"
SIGNATURE_INVALID: Final = "SignatureInvalid"

LONGEST_MESSAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome. ``message`` is one line: what is wrong and what to do, or what is worth knowing of a success."""

    reason: str
    message: str = ""
    library: str | None = None
    input_schema: JsonSchema | None = None
    output_schema: JsonSchema | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the report as the builder reads it."""
        return {
            "ok": self.reason == SUCCEEDED,
            "reason": self.reason,
            "message": one_line(self.message),
            "library": self.library,
            "inputSchema": self.input_schema,
            "outputSchema": self.output_schema,
        }


def one_line(text: str) -> str:
    """Return ``text`` on one line, of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 1]}…"
