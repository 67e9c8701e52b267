"""The rules by which Flux and Helm read an object of a kind that they do not know, as kstatus has them.

`make test-tooling` compares them with kstatus itself.
"""

from typing import Any

_LEGACY_READY = {"True": "Current", "False": "InProgress", "Unknown": "InProgress"}


def kstatus(manifest: dict[str, Any]) -> str:
    """Return kstatus' word for the object."""
    metadata, status = manifest.get("metadata", {}), manifest.get("status", {})
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    generation, observed = metadata.get("generation"), status.get("observedGeneration")
    if generation is not None and observed is not None and observed != generation:
        return "InProgress"
    conditions = status.get("conditions", [])
    for condition in conditions:
        if condition["status"] == "True" and condition["type"] in {"Reconciling", "Stalled"}:
            return "InProgress" if condition["type"] == "Reconciling" else "Failed"
    for condition in conditions:
        if condition["type"] == "Ready":
            return _LEGACY_READY[condition["status"]]
    return "Current"
