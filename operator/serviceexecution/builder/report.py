"""The report of a build: for the gateway in full, for the pod's termination message in short."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.project.project_report import Schema

_LONGEST_TERMINATION: Final = 4000
_LONGEST_MESSAGE: Final = 2000
_SHORT_MESSAGE: Final = 1000
_LONGEST_STEP: Final = 500


@dataclass(slots=True)
class BuildReport:
    """What came out. Filled while the build goes on, so that a failure tells how far it came."""

    reason: Reason = Reason.BUILDER_FAILED
    message: str = ""
    step: str = ""
    image_digest: str = ""
    image_bytes: int | None = None
    source_digest: str = ""
    commit: str = ""
    input_schema: Schema | None = None
    output_schema: Schema | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def fail(self, error: BuildError) -> None:
        """Note why the build ends; nothing is offered as an image then."""
        self.reason, self.message, self.step = error.reason, error.message, error.step
        self.image_digest, self.image_bytes = "", None
        self.input_schema = self.output_schema = None

    def to_json(self) -> bytes:
        """Return what the gateway is given."""
        return json.dumps(
            self._fields() | {"inputSchema": self.input_schema, "outputSchema": self.output_schema}
        ).encode()

    def short_json(self) -> bytes:
        """Return what fits into a termination message."""
        text = json.dumps(self._fields()).encode()
        if len(text) > _LONGEST_TERMINATION:
            short = {"message": self.message[:_SHORT_MESSAGE], "step": self.step[:100]}
            text = json.dumps(self._fields() | short, ensure_ascii=False).encode()
        if len(text) > _LONGEST_TERMINATION:
            text = json.dumps(self._fields() | {"message": "", "step": ""}).encode()
        return text

    def _fields(self) -> dict[str, object]:
        return {
            "succeeded": self.reason is Reason.SUCCEEDED,
            "reason": self.reason.value,
            "message": self.message[:_LONGEST_MESSAGE],
            "step": self.step[:_LONGEST_STEP] or None,
            "imageDigest": self.image_digest or None,
            "imageBytes": self.image_bytes,
            "sourceDigest": self.source_digest or None,
            "commit": self.commit or None,
            "seconds": {phase: round(seconds, 3) for phase, seconds in self.seconds.items()},
        }


def leave_word(path: Path, report: BuildReport) -> None:
    """Write the termination message: a hint, nothing depends on it."""
    try:
        path.write_bytes(report.short_json())
    except OSError:
        return
