"""The accelerators of the platform's API, and the resources of nodes that the operator has named for them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.process.settings import SettingsError, json_object

VARIABLE: Final = "SX_ACCELERATORS"
NO_ACCELERATOR: Final = "NONE"
MOST_ACCELERATORS: Final = 64
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_RESOURCE: Final = re.compile(
    r"(?!requests\.|kubernetes\.io/)[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)
"""What Kubernetes takes as an extended resource: a domain that is not its own, and a name."""


@dataclass(frozen=True, slots=True)
class Accelerators:
    """Accelerator → resource, such as NVIDIA_TESLA_T4 → nvidia.com/gpu. Each has a resource of its own."""

    resources: Mapping[str, str] = field(default_factory=dict)

    def resource_of(self, accelerator: str) -> str | None:
        """Return the resource's name, None for an accelerator that the operator has not named."""
        return self.resources.get(accelerator)

    def accelerator_of(self, resource: str) -> str | None:
        """Return the accelerator that the resource stands for, None for any other resource."""
        return next((name for name, one in self.resources.items() if one == resource), None)


def read_accelerators(text: str) -> Accelerators:
    """Return what a JSON object of resources by accelerator says. Raises SettingsError."""
    if not text:
        return Accelerators()
    given = json_object(VARIABLE, text)
    if len(given) > MOST_ACCELERATORS:
        raise SettingsError(f"{VARIABLE} may name {MOST_ACCELERATORS} accelerators.")
    found: dict[str, str] = {}
    for name, resource in given.items():
        if not _NAME.fullmatch(name) or name == NO_ACCELERATOR:
            raise SettingsError(f"{VARIABLE}: {name!r} is no accelerator's name, such as NVIDIA_TESLA_T4.")
        if not isinstance(resource, str) or not _RESOURCE.fullmatch(resource):
            raise SettingsError(f"{VARIABLE}: {name} must name a resource of nodes such as nvidia.com/gpu.")
        if resource in found.values():
            raise SettingsError(
                f"{VARIABLE}: two accelerators have the resource {resource}; each needs one of its own."
            )
        found[name] = resource
    return Accelerators(found)
