"""Names and labels of what a build makes."""

import re
from typing import Final

from serviceexecution.contract.json_types import JsonValue
from serviceexecution.resources.executions.execution import ObjectMeta
from serviceexecution.resources.names import (
    LABEL_ATTEMPT,
    LABEL_DEFINITION_NAME,
    LABEL_DEFINITION_UID,
    LABEL_EXECUTION_UID,
    LABEL_MANAGED_BY,
    LABEL_REVISION,
    MANAGED_BY,
)
from serviceexecution.resources.reference import ExecutionReference, revision_reference

_NAME_LIMIT: Final = 63
"""A Job's name is a label's value on its pods."""


def build_reference(definition: ObjectMeta, revision: str) -> ExecutionReference:
    """Return under what name the build of a revision is logged and stored."""
    return revision_reference(definition.namespace, definition.name, definition.uid, revision)


def build_job_name(definition: ObjectMeta, revision: str, attempt: int) -> str:
    """Return the name of the Job of one attempt: it follows from what it is for, so that there is one."""
    tail = f"-{definition.uid[:8]}-{revision}-{attempt}"
    slug = re.sub(r"[^a-z0-9]+", "-", definition.name.lower()).strip("-")
    return f"{f'build-{slug}'[: _NAME_LIMIT - len(tail)].rstrip('-')}{tail}"


def build_labels(definition: ObjectMeta, revision: str, attempt: int) -> dict[str, JsonValue]:
    """Return the labels of an attempt's Job and pod."""
    return {
        LABEL_MANAGED_BY: MANAGED_BY,
        LABEL_EXECUTION_UID: build_reference(definition, revision).uid,
        LABEL_DEFINITION_UID: definition.uid,
        LABEL_DEFINITION_NAME: definition.name[:_NAME_LIMIT].strip("-."),
        LABEL_REVISION: revision,
        LABEL_ATTEMPT: str(attempt),
    }


def attempt_of(metadata: ObjectMeta) -> tuple[str, int]:
    """Return revision and number of the attempt that a Job or pod is for; number 0 when it does not say."""
    text = metadata.labels.get(LABEL_ATTEMPT, "")
    return metadata.labels.get(LABEL_REVISION, ""), int(text) if text.isdecimal() else 0


def revision_number(name: str) -> int:
    """Return 3 for r3; 0 for what is no revision's name."""
    return int(name[1:]) if re.fullmatch(r"r[1-9][0-9]*", name) else 0
