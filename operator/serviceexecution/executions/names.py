"""Names and labels of an execution's children."""

import re
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.resources.names import (
    API_GROUP,
    API_VERSION,
    KIND,
    LABEL_ATTEMPT,
    LABEL_EXECUTION_NAME,
    LABEL_EXECUTION_UID,
    LABEL_MANAGED_BY,
    MANAGED_BY,
)
from serviceexecution.resources.reference import ExecutionReference

_NAME_LIMIT: Final = 63
"""A Job's name is a label's value on its pods."""


def child_name(reference: ExecutionReference, suffix: str) -> str:
    """Return ``<slug>-<uid8>-<suffix>``: unique per execution, at most 63 characters, a legal DNS label."""
    tail = f"-{reference.uid[:8]}-{suffix}"
    slug = re.sub(r"[^a-z0-9]+", "-", reference.name.lower()).strip("-") or "sx"
    slug = slug[: _NAME_LIMIT - len(tail)].rstrip("-")
    if not slug[0].isalpha():
        slug = f"x{slug}"[: _NAME_LIMIT - len(tail)].rstrip("-")
    return f"{slug}{tail}"


def job_name(reference: ExecutionReference, attempt: int) -> str:
    """Return the name of the attempt's Job."""
    return child_name(reference, str(attempt))


def input_name(reference: ExecutionReference) -> str:
    """Return the name of the ConfigMap with the input files."""
    return child_name(reference, "input")


def labels(reference: ExecutionReference, attempt: int | None = None) -> dict[str, JsonValue]:
    """Return the labels of all children."""
    found: dict[str, JsonValue] = {
        LABEL_MANAGED_BY: MANAGED_BY,
        LABEL_EXECUTION_UID: reference.uid,
        LABEL_EXECUTION_NAME: reference.name[:_NAME_LIMIT].strip("-."),
    }
    if attempt is not None:
        found[LABEL_ATTEMPT] = str(attempt)
    return found


def owner_reference(reference: ExecutionReference) -> JsonObject:
    """Return the reference that makes Kubernetes delete a child together with its execution."""
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": KIND,
        "name": reference.name,
        "uid": reference.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
