"""A sweep: one execution for each line of a file, remembered beside it so that the same command goes on.

A line's key follows from the sweep and from what is sent, so that not even a lost answer starts a second execution.
"""

import csv
import hashlib
import io
import json
import os
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.run.properties import read_properties, with_properties
from serviceexecution.cli.run.schema import Schema
from serviceexecution.contract.json_text import JsonTextError, joined, member_texts
from serviceexecution.contract.json_types import JsonObject, object_of

MEMORY: Final = ".sweep"
"""Behind the name of the inputs' file."""
REFUSED: Final = "Refused"
DELETED: Final = "Deleted"
ENDED: Final = frozenset({"Succeeded", "Failed", "Cancelled", REFUSED, DELETED})
MOST_LINES: Final = 100_000


@dataclass(slots=True)
class Line:
    """One line of the file and what has become of it."""

    number: int
    """Counted from 1."""
    text: str
    """The input as JSON text, without secrets."""
    digest: str
    occurrence: int = 1
    """Counted from 1 among the lines with the same input: with the digest it names a line, wherever it stands."""
    attempt: int = 0
    execution: str = ""
    phase: str = ""
    message: str = ""
    seconds: float | None = None

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing more becomes of it."""
        return self.phase in ENDED

    def forget(self) -> None:
        """Have it run again."""
        self.attempt += 1
        self.execution = self.phase = self.message = ""
        self.seconds = None

    @property
    def document(self) -> JsonObject:
        """Return what is remembered of it."""
        return {
            "line": self.number,
            "digest": self.digest,
            "occurrence": self.occurrence,
            "attempt": self.attempt,
            "execution": self.execution,
            "phase": self.phase,
            "message": self.message,
            "seconds": self.seconds,
        }


@dataclass(slots=True)
class Sweep:
    """The lines of one file: owner of the memory beside it."""

    path: Path
    id: str
    lines: list[Line] = field(default_factory=list)

    @property
    def tag(self) -> str:
        """Return the tag that all its executions have."""
        return f"sweep-{self.id[:8]}"

    def key(self, line: Line) -> str:
        """Return the Idempotency-Key of a line."""
        return str(uuid.uuid5(uuid.UUID(self.id), f"{line.digest}/{line.occurrence}/{line.attempt}"))

    def remember(self, line: Line) -> None:
        """Write down what has become of a line; the last word on it counts."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line.document) + "\n")


def open_sweep(file: Path, texts: Iterable[str], *, service: str, place: str, anew: bool) -> Sweep:
    """Return the sweep of a file, with what an earlier command remembers of it unless it is to begin ``anew``.

    ``place`` is where the service is. Raises CommandError.
    """
    memory = file.with_name(file.name + MEMORY)
    lines = _numbered(texts)
    known = [] if anew else _remembered(memory)
    if known and (known[0].get("service"), known[0].get("place")) != (service, place):
        raise CommandError(
            f"{memory} remembers a sweep of another service or cluster ({known[0].get('service')}, "
            f"{known[0].get('place')}): finish that, or begin anew with --again all."
        )
    if known:
        sweep = Sweep(memory, str(known[0].get("sweep")), lines)
        _recall(lines, known[1:])
        _end_last_line(memory)
        return sweep
    sweep = Sweep(memory, str(uuid.uuid4()), lines)
    header: JsonObject = {"sweep": sweep.id, "service": service, "place": place}
    try:
        memory.write_text(json.dumps(header) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"{memory} cannot be written, where the sweep is remembered: {error.strerror}."
        ) from None
    return sweep


def read_lines(file: Path, common: str, schema: Schema) -> list[str]:
    """Return the inputs of a file, each with the ``common`` members that it does not have itself.

    A file .csv has the properties' names in its first line, any other one JSON object a line. Raises CommandError that
    names the line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"--each: {file} is not UTF-8 text.") from None
    except OSError as error:
        raise CommandError(f"--each: {file} cannot be read: {error.strerror}.") from None
    shared = member_texts(common)
    found: list[str] = []
    own = _of_csv(text, schema) if file.suffix.lower() == ".csv" else _of_json_lines(text)
    for number, line in own:
        try:
            have = member_texts(line)
        except JsonTextError as error:
            raise CommandError(
                f"--each: line {number} of {file} must be one JSON object: {error.reason} at column {error.column}"
            ) from None
        found.append(joined({**shared, **have}) if shared else line)
        if len(found) > MOST_LINES:
            raise CommandError(f"--each: {file} has more than {MOST_LINES:,} inputs.")
    if not found:
        raise CommandError(f"--each: {file} has no inputs.")
    return found


def _of_json_lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.strip()


def _of_csv(text: str, schema: Schema) -> Iterator[tuple[int, str]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    try:
        for row in rows:
            if "" in row or None in row.values():
                raise CommandError(f"--each: line {rows.line_num} has not as many cells as the first line.")
            options = [f"{name}={value}" for name, value in row.items() if value]
            try:
                yield rows.line_num, with_properties("{}", read_properties(options, schema))
            except CommandError as error:
                raise CommandError(f"--each: line {rows.line_num}: {error}") from None
    except csv.Error as error:
        raise CommandError(f"--each: line {rows.line_num}: {error}.") from None


def _remembered(memory: Path) -> list[JsonObject]:
    """Return what is remembered; a line that was half written when the machine stopped says nothing."""
    if not memory.is_file():
        return []
    found: list[JsonObject] = []
    for line in memory.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(object_of(json.loads(line)))
        except ValueError:
            continue
    return found if found and isinstance(found[0].get("sweep"), str) and _is_uuid(found[0]["sweep"]) else []


def _numbered(texts: Iterable[str]) -> list[Line]:
    seen: Counter[str] = Counter()
    lines: list[Line] = []
    for number, text in enumerate(texts, 1):
        digest = _digest(text)
        seen[digest] += 1
        lines.append(Line(number, text, digest, seen[digest]))
    return lines


def _end_last_line(memory: Path) -> None:
    """End a line that was half written when the machine stopped: what is remembered next has a line of its own."""
    with memory.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            file.write(b"\n")


def _recall(lines: list[Line], known: Iterable[JsonObject]) -> None:
    there = {(line.digest, line.occurrence): line for line in lines}
    for entry in known:
        line = there.get((str(entry.get("digest")), _integer(entry.get("occurrence"), 1)))
        if line is None:
            continue  # It was changed or taken out
        seconds = entry.get("seconds")
        line.execution, line.phase, line.message = (
            str(entry.get(name) or "") for name in ("execution", "phase", "message")
        )
        line.seconds = float(seconds) if isinstance(seconds, (int, float)) else None
        line.attempt = _integer(entry.get("attempt"), 0)


def _integer(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_uuid(value: object) -> bool:
    try:
        uuid.UUID(str(value))
    except ValueError:
        return False
    return True
