"""CPU, memory and accelerators of a managed service, as the platform's API says them. Pure."""

from decimal import ROUND_CEILING, Decimal
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_at, text_of
from serviceexecution.contract.quantities import exact_quantity
from serviceexecution.gateway.accelerators import NO_ACCELERATOR, Accelerators
from serviceexecution.gateway.platform_api.services.bodies import wrong
from serviceexecution.resources.pod_fields import ResourceRequirements

_UNITS: Final = {"cpu": "m", "memory": "M"}
_SCALES: Final = {"cpu": Decimal(1000), "memory": 1 / Decimal(1_000_000)}
MOST: Final = {"cpu": 10**6, "memory": 10**8, "gpu": 64}
"""Thousandths of a core, 10^6 bytes, and devices."""


def amounts_patch(
    configuration: JsonObject, path: str, before: JsonObject, accelerators: Accelerators
) -> JsonObject:
    """Return what one configuration says, by resource: null takes one away; raises Problem 400.

    ``before`` are the resources that the service has.
    """
    kind = configuration.get("type")
    if kind == "gpu":
        return _devices(configuration, path, before, accelerators)
    if not isinstance(kind, str) or kind not in _UNITS:
        raise wrong(f"{path}.type", "type must be cpu, memory or gpu.")
    unit = _UNITS[kind]
    if configuration.get("unit") != unit:
        raise wrong(f"{path}.unit", f"The unit of {kind} must be {unit}.")
    return {kind: f"{_amount(configuration, path, kind, least=1)}{unit}"}


def shown_resources(needs: ResourceRequirements | None, accelerators: Accelerators) -> list[JsonValue]:
    """Return the resources of a service as the client takes them: whole numbers, of CPU and memory rounded up.

    Devices that the operator has named for no accelerator are not shown: the client has no word for them.
    """
    given = {} if needs is None else {**(needs.requests or {}), **(needs.limits or {})}
    found: list[JsonValue] = []
    for name, scale in _SCALES.items():
        amount = exact_quantity(str(given[name])) if name in given else None
        if amount is not None:
            whole = (amount * scale).to_integral_value(ROUND_CEILING)
            found.append({"type": name, "amount": int(whole), "unit": _UNITS[name]})
    for name, quantity in given.items():
        accelerator, amount = accelerators.accelerator_of(name), exact_quantity(str(quantity))
        if accelerator is not None and amount is not None:
            found.append({"type": "gpu", "amount": int(amount), "accelerator": accelerator})
    return found


def _devices(
    configuration: JsonObject, path: str, before: JsonObject, accelerators: Accelerators
) -> JsonObject:
    accelerator = text_of(configuration.get("accelerator"))
    amount = 0 if accelerator == NO_ACCELERATOR else _amount(configuration, path, "gpu", least=0)
    present = {name for part in ("requests", "limits") for name in object_at(before, part) if "/" in name}
    foreign = [name for name in sorted(present) if accelerators.accelerator_of(name) is None]
    if foreign:
        raise wrong(
            f"{path}.accelerator",
            f"The service has {foreign[0]}, which stands for no accelerator here: change spec.resources of the "
            "ServiceDefinition with kubectl.",
        )
    patch: JsonObject = dict.fromkeys(present)
    if amount == 0:
        return patch
    resource = accelerators.resource_of(accelerator)
    if resource is None:
        known = ", ".join(sorted(accelerators.resources)) or "none"
        raise wrong(
            f"{path}.accelerator",
            f"No resource of this cluster's nodes stands for that accelerator; there is one for {known}. The "
            "operator names it in gateway.platformApi.accelerators of the chart; or set spec.resources of the "
            "ServiceDefinition with kubectl.",
        )
    return {**patch, resource: str(amount)}


def _amount(configuration: JsonObject, path: str, kind: str, *, least: int) -> int:
    amount, most = configuration.get("amount"), MOST[kind]
    if not isinstance(amount, int) or isinstance(amount, bool) or not least <= amount <= most:
        raise wrong(f"{path}.amount", f"amount must be a whole number from {least} to {most:,}.")
    return amount
