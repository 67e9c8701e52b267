"""What the demo prints: coloured in a terminal, plain lines when piped."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.text import Text

_STYLES: Final = {
    "Succeeded": "bold green",
    "Failed": "bold red",
    "Cancelled": "bold yellow",
    "Running": "bold cyan",
}


class Screen:
    """Prints one line after the other; nothing printed is ever changed."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def title(self, text: str, note: str) -> None:
        """Print what this is."""
        self._print(Text(text, style="bold"))
        self.note(note)

    def heading(self, text: str) -> None:
        """Start a step."""
        self._print(Text())
        self._print(Text(text, style="bold"))

    def line(self, text: str) -> None:
        """Print a line of the current step."""
        self._print(Text(f"  {text}"))

    def note(self, text: str) -> None:
        """Print what is good to know but may be skipped."""
        self._print(Text(f"  {text}", style="dim"))

    def good(self, text: str) -> None:
        """Print what was checked and found right."""
        self._print(Text.assemble("  ", ("ok", "bold green"), f"  {text}"))

    def phase(self, seconds: float, phase: str, reason: str, message: str) -> None:
        """Print a change of an execution's status."""
        self._print(
            Text.assemble(
                (f"  {seconds:5.1f} s  ", "dim"),
                (f"{phase:<10}", _STYLES.get(phase, "bold")),
                f" {reason:<11} ",
                (message, "dim"),
            )
        )

    def quote(self, text: str) -> None:
        """Print what the program wrote, line by line, unchanged but for control characters."""
        for line in text.splitlines():
            self._print(Text.assemble(("  | ", "dim"), "".join(c if c.isprintable() else "�" for c in line)))

    def command(self, command: str, purpose: str) -> None:
        """Print a command to try."""
        self._print(Text.assemble("  ", (command, "cyan")))
        self._print(Text(f"      {purpose}", style="dim"))

    def failure(self, sentence: str) -> None:
        """Print why the demo ends here."""
        self._print(Text())
        self._print(Text.assemble(("error: ", "bold red"), sentence))

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show in a terminal that something is being waited for; piped, this prints nothing."""
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(Text(text, style="dim"), spinner="line"):
            yield

    def _print(self, text: Text) -> None:
        # Long lines are the terminal's to wrap: a command must stay one line to be pasted.
        self._console.print(text, soft_wrap=True)
