"""What was looked at, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum

from serviceexecution.contract.json_types import JsonObject


class State(StrEnum):
    """How something is."""

    GOOD = "ok"
    WARNING = "warn"
    WRONG = "wrong"
    UNKNOWN = "skip"
    """It could not be looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do where something is wrong."""

    what: str
    state: State
    message: str
    fix: str = ""

    @property
    def document(self) -> JsonObject:
        """Return it for programs."""
        shown: JsonObject = {"check": self.what, "state": self.state.value, "message": self.message}
        return shown | ({"fix": self.fix} if self.fix else {})
