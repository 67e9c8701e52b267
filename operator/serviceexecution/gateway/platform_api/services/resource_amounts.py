"""CPU and memory of a managed service, as the platform's API says them. Pure."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject, object_at
from serviceexecution.gateway.platform_api.services.bodies import wrong

_UNITS: Final = {"cpu": "m", "memory": "M"}
MOST: Final = {"cpu": 10**6, "memory": 10**8}
"""Thousandths of a core, and 10^6 bytes."""


def amounts_patch(configuration: JsonObject, path: str, before: JsonObject) -> JsonObject:
    """Return what one configuration says, by resource: {} for no accelerator; raises Problem 400.

    ``before`` are the resources that the service has.
    """
    kind, amount = configuration.get("type"), configuration.get("amount")
    if kind == "gpu":
        _check_no_accelerator(configuration, path, before)
        return {}
    if not isinstance(kind, str) or kind not in _UNITS:
        raise wrong(f"{path}.type", "type must be cpu, memory or gpu.")
    unit, most = _UNITS[kind], MOST[kind]
    if configuration.get("unit") != unit:
        raise wrong(f"{path}.unit", f"The unit of {kind} must be {unit}.")
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= most:
        raise wrong(f"{path}.amount", f"amount must be a whole number from 1 to {most:,}.")
    return {kind: f"{amount}{unit}"}


def _check_no_accelerator(configuration: JsonObject, path: str, before: JsonObject) -> None:
    asked = configuration.get("accelerator") != "NONE" and configuration.get("amount") != 0
    devices = {name for part in ("requests", "limits") for name in object_at(before, part) if "/" in name}
    if asked or devices:
        raise wrong(
            f"{path}.accelerator",
            "Each cluster has its own names of accelerators: set spec.resources of the ServiceDefinition with kubectl.",
        )
