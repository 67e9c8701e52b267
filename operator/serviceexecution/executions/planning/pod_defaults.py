"""What the installation says of every pod that is rendered."""

import json
from dataclasses import dataclass, replace
from typing import Final, Self, cast

from serviceexecution.contract.json_types import JsonObject

DEFAULT_COLLECTOR_RESOURCES: Final = '{"requests":{"cpu":"10m","memory":"32Mi"},"limits":{"memory":"64Mi"}}'
CONTAINER_RESTART_RULES_SINCE: Final = (1, 35)
"""Kubernetes version from which on the feature ContainerRestartRules is on by default."""


@dataclass(frozen=True, slots=True)
class PodDefaults:
    """What every rendered pod gets from the installation."""

    collector_image: str
    gateway_url: str
    """Where collectors upload to, as reached from pods."""
    collector_image_pull_policy: str = "IfNotPresent"
    collector_resources: str = DEFAULT_COLLECTOR_RESOURCES
    """JSON text of the collector's resource requirements."""
    run_as_user: int = 65532
    traced: bool = False
    """Whether the spans of executions are sent to a collector of traces: those of programs are then below them."""
    container_restart_rules: bool = True
    """Whether the cluster restarts one container of a pod that is never restarted (Kubernetes 1.35,
    KEP-5307).
    """

    def for_cluster(self, version: tuple[int, int]) -> Self:
        """Return the defaults for a cluster of that version (major, minor)."""
        return replace(self, container_restart_rules=version >= CONTAINER_RESTART_RULES_SINCE)

    @property
    def collector_requirements(self) -> JsonObject:
        """Return the collector's resource requirements."""
        return cast("JsonObject", json.loads(self.collector_resources))
