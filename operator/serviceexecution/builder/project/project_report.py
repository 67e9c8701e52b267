"""What the launcher's check says of a Python project. Its report is made by the project's own code: nothing of it is
believed beyond its form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.failures.tool_failures import shortened

LARGEST_SCHEMAS: Final = {"inputSchema": 32 * 1024, "outputSchema": 16 * 1024}
"""In bytes of JSON, as the gateway takes them."""
WITH_PIP: Final = "The requirements were installed with pip, since uv could not install them."
_LARGEST_REPORT: Final = 1024 * 1024
_LONGEST_MESSAGE: Final = 1000
_REASONS: Final = frozenset({
    Reason.SYNTAX_ERROR, Reason.ENTRY_POINT_MISSING, Reason.IMPORT_FAILED, Reason.SIGNATURE_INVALID,
})  # fmt: skip

Schema = dict[str, object]


@dataclass(frozen=True, slots=True)
class ProjectReport:
    """A project that can run. ``message`` is worth a line of the log, or empty; ``note`` is worth one of the status."""

    message: str
    note: str
    library: str
    input_schema: Schema | None
    output_schema: Schema | None


def read_project_report(path: Path) -> ProjectReport:
    """Return the report; raises BuildError with its reason and sentence when the project cannot run."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_REPORT + 1)
    except OSError as error:
        raise _broken(f"it cannot be read ({error.strerror})") from error
    if len(content) > _LARGEST_REPORT:
        raise _broken("it is larger than 1 MiB")
    return parse_project_report(content)


def parse_project_report(content: bytes) -> ProjectReport:
    """Return the report in ``content``; raises BuildError."""
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        raise _broken("it is not JSON") from None
    if not isinstance(value, dict) or not isinstance(value.get("ok"), bool):
        raise _broken("it does not say whether the project can run")
    message = value.get("message")
    text = shortened(message, _LONGEST_MESSAGE) if isinstance(message, str) else ""
    if not value["ok"]:
        reason = value.get("reason")
        known = next((one for one in _REASONS if one == reason), Reason.IMPORT_FAILED)
        raise BuildError(known, f"{text}." if text else "The project cannot run.")
    schemas: dict[str, Schema | None] = {}
    for name, most in LARGEST_SCHEMAS.items():
        schema = value.get(name)
        fits = isinstance(schema, dict) and len(_json(schema)) <= most
        schemas[name] = schema if isinstance(schema, dict) and fits else None
        if isinstance(schema, dict) and not fits:
            text = f"{text} The {name} of run() is larger than {most // 1024} KiB and is left out".strip()
    library = value.get("library")
    return ProjectReport(
        text,
        WITH_PIP if value.get("installer") == "pip" else "",
        library if library in {"qhub", "planqk"} else "",
        schemas["inputSchema"],
        schemas["outputSchema"],
    )


def _json(schema: Schema) -> bytes:
    """Return the schema's text; one with NaN or the like, which is no JSON, counts as too large."""
    try:
        return json.dumps(schema, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return bytes(max(LARGEST_SCHEMAS.values()) + 1)


def _broken(problem: str) -> BuildError:
    return BuildError(Reason.BUILDER_FAILED, f"The check of the project left no usable report: {problem}.")
