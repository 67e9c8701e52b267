"""The result of an execution: its main result as the program wrote it, and its files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

from serviceexecution.cli.client.channel import Channel
from serviceexecution.cli.client.download import download_all
from serviceexecution.cli.client.events import follow_log
from serviceexecution.cli.client.log_entry import LogEntry, full_entry
from serviceexecution.cli.log_choice import plain_entry, timed_entry
from serviceexecution.cli.service_client import ServiceClient
from serviceexecution.contract.json_types import JsonObject, JsonValue

MAIN_RESULTS: Final = ("output.json", "output.txt")
"""Files that hold the main result, the first one there counts; the platform's library writes plain values to the
second, as JSON."""


class Outcome(Protocol):
    """What can be read of one execution, by whichever of the gateway's interfaces."""

    def files(self) -> dict[str, str]:
        """Return path → URL path of each output file."""
        ...

    def text(self, url_path: str) -> str:
        """Return a file's content."""
        ...

    def download_all(self, directory: Path) -> Iterator[tuple[str, int]]:
        """Fetch every file; give path and size of each."""
        ...

    def follow_log(self, attempt: int = 0) -> Iterator[LogEntry]:
        """Give every line until the log ends, of that attempt or of the last one and those after it."""
        ...

    def log(self, attempt: int = 0, *, timed: bool = False) -> Iterator[LogEntry]:
        """Give the lines so far, of that attempt or of the last one; only ``timed`` ones surely have times."""
        ...

    def problem(self) -> str:
        """Return what the program or the operator says of a failure; "" when nothing is said."""
        ...


@dataclass(frozen=True, slots=True)
class ServiceOutcome:
    """An execution of a service, by the Service API."""

    client: ServiceClient
    id: str

    def files(self) -> dict[str, str]:
        """Return path → URL path of each output file."""
        return self.client.files(self.id)

    def text(self, url_path: str) -> str:
        """Return a file's content."""
        return self.client.file_text(url_path)

    def download_all(self, directory: Path) -> Iterator[tuple[str, int]]:
        """Fetch every file; give path and size of each."""
        return self.client.download_all(self.id, directory)

    def follow_log(self, attempt: int = 0) -> Iterator[LogEntry]:
        """Give every line until the log ends, of that attempt or of the last one and those after it."""
        return self.client.follow_log(self.id, attempt)

    def log(self, attempt: int = 0, *, timed: bool = False) -> Iterator[LogEntry]:  # noqa: ARG002 - they all are
        """Give the lines so far, of that attempt or of the last one."""
        return (full_entry(entry) for entry in self.client.log(self.id, attempt))

    def problem(self) -> str:
        """Return the detail of the problem (RFC 9457) that is the result of a failed run."""
        found = json.loads(self.client.result_text(self.id)).get("detail")
        return found if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True)
class PlainOutcome:
    """Any execution, by the interface for the cluster's accounts. ``channel`` is that of the execution."""

    channel: Channel

    def files(self) -> dict[str, str]:
        """Return path → URL path of each output file."""
        found = self.channel.request("GET", "/files").json()["files"]
        return {str(file["path"]): f"/files/{quote(str(file['path']))}" for file in found}

    def text(self, url_path: str) -> str:
        """Return a file's content."""
        return self.channel.request("GET", url_path).content.decode(errors="replace")

    def download_all(self, directory: Path) -> Iterator[tuple[str, int]]:
        """Fetch every file; give path and size of each."""
        return download_all(self.channel, self.files(), directory)

    def follow_log(self, attempt: int = 0) -> Iterator[LogEntry]:
        """Give every line until the log ends, of that attempt or of the last one."""
        return follow_log(self.channel, "/log", attempt=attempt)

    def log(self, attempt: int = 0, *, timed: bool = False) -> Iterator[LogEntry]:
        """Give the lines so far, of that attempt or of the last one."""
        asked = ([f"attempt={attempt}"] if attempt else []) + (["timestamps=true"] if timed else [])
        lines = self.channel.text_lines("/log" + (f"?{'&'.join(asked)}" if asked else ""))
        return map(timed_entry if timed else plain_entry, lines)

    def problem(self) -> str:
        """Return nothing: this interface says it in the execution's status."""
        return ""


def main_result(outcome: Outcome, files: dict[str, str]) -> str | None:
    """Return the main result's text exactly as it was written; None when there is none."""
    for name in MAIN_RESULTS:
        if name in files:
            return outcome.text(files[name])
    return None


def outcome_document(outcome: Outcome) -> JsonObject:
    """Return a success for programs: the main result as a value where it is JSON, else as text, and other files."""
    files = outcome.files()
    text = main_result(outcome, files)
    others: list[JsonValue] = [name for name in files if name not in MAIN_RESULTS]
    if text is None:
        return {"result": None, "files": others}
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    return {"result": value, "files": others}
