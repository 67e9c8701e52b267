"""What is wrong with something a user gave us, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a field: ``path`` as users write it (``spec.inputJson["a.b"]``), ``message`` one sentence
    with the fix.

    Neither part ever holds a value that the user gave, only names: values may be secrets.
    """

    path: str
    message: str


class InputError(ValueError):
    """The user's input breaks the contract. ``path`` and ``message`` are those of ``Problem``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message

    @property
    def problem(self) -> Problem:
        """The same fault as a value."""
        return Problem(self.path, self.message)
