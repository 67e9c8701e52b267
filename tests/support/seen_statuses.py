"""Executions and services in every state that the operator gives them, as manifests: for tools that read a status."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND, KIND
from tools.pages.build_cases import build_cases, decided
from tools.pages.truth_cases import GROUPS
from tools.pages.truth_table import first_decision

Manifest = dict[str, Any]
UNSEEN = {"observedGeneration": -1}
"""What the CRDs put into a status that nobody has written yet."""


@dataclass(frozen=True)
class Seen:
    """An object as the API server returns it."""

    state: str
    manifest: Manifest

    @property
    def phase(self) -> str | None:
        phase = self.manifest["status"].get("phase")
        return None if phase is None else str(phase)


def manifest(kind: str, status: Manifest, **metadata: object) -> Manifest:
    """Return an object of the kind."""
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": kind,
        "metadata": {"name": "sum", "namespace": "team", "generation": 1, **metadata},
        "status": status,
    }


def seen_statuses() -> Iterator[Seen]:
    """Yield an object for each row of the truth table, and for each reason of a build."""
    for group, cases in GROUPS.items():
        for case in cases:
            status = first_decision(case).status.model_dump(mode="json", by_alias=True, exclude_none=True)
            if status.get("observedGeneration") is not None:
                yield Seen(f"{group}: {case.seen}", manifest(KIND, {**status, "observedGeneration": 1}))
    for build in build_cases():
        status = decided(build).status.model_dump(mode="json", by_alias=True, exclude_none=True)
        yield Seen(f"build: {build.seen}", manifest(DEFINITION_KIND, status))
