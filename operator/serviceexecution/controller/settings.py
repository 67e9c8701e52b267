"""The controller's settings, read once from the environment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self, cast

from serviceexecution.contract.durations import parse_duration
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.contract.quantities import parse_quantity
from serviceexecution.controller.startup import StartLimits

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


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Settings of one controller process. Times in seconds, sizes in bytes."""

    pod: PodDefaults
    store_url: str
    store_options: Mapping[str, str]
    cluster_id: str
    namespaces: tuple[str, ...] = ()
    """Empty: the whole cluster."""
    log_limit: int = 256 * 1024**2
    start_limits: StartLimits = field(default_factory=StartLimits)
    health_port: int = 8081
    metrics_port: int = 9090
    lease_name: str = ""
    lease_namespace: str = ""
    log_level: str = "INFO"
    log_format: str = "json"
    workers: int = 16
    resync_seconds: float = 300

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; raises KeyError or ValueError that names the variable."""
        missing = [
            name
            for name in ("SX_STORE_URL", "SX_GATEWAY_URL", "SX_COLLECTOR_IMAGE")
            if not environment.get(name)
        ]
        if missing:
            raise ValueError(f"Set the environment variable {' and '.join(missing)}.")
        pod = PodDefaults(
            collector_image=environment["SX_COLLECTOR_IMAGE"],
            gateway_url=environment["SX_GATEWAY_URL"].rstrip("/"),
            collector_image_pull_policy=environment.get("SX_COLLECTOR_IMAGE_PULL_POLICY") or "IfNotPresent",
            collector_resources=environment.get("SX_COLLECTOR_RESOURCES") or DEFAULT_COLLECTOR_RESOURCES,
            run_as_user=int(environment.get("SX_DEFAULT_RUN_AS_USER") or 65532),
        )
        options = json.loads(environment.get("SX_STORE_OPTIONS") or "{}")
        if not isinstance(options, dict):
            raise ValueError("SX_STORE_OPTIONS must be a JSON object of texts.")
        missing_reference = environment.get("SX_MISSING_REFERENCE_LIMIT") or "60s"
        image_refused = environment.get("SX_IMAGE_REFUSED_LIMIT") or "120s"
        return cls(
            pod=pod,
            store_url=environment["SX_STORE_URL"],
            store_options={str(key): str(value) for key, value in options.items()},
            cluster_id=environment.get("SX_CLUSTER_ID") or "local",
            namespaces=tuple(n.strip() for n in environment.get("SX_NAMESPACES", "").split(",") if n.strip()),
            log_limit=parse_quantity(environment.get("SX_LOG_LIMIT") or "256Mi", field="SX_LOG_LIMIT"),
            start_limits=StartLimits(
                missing_reference=parse_duration(missing_reference, field="SX_MISSING_REFERENCE_LIMIT"),
                image_refused=parse_duration(image_refused, field="SX_IMAGE_REFUSED_LIMIT"),
            ),
            health_port=int(environment.get("SX_HEALTH_PORT") or 8081),
            metrics_port=int(environment.get("SX_METRICS_PORT") or 9090),
            lease_name=environment.get("SX_LEASE_NAME", ""),
            lease_namespace=environment.get("SX_LEASE_NAMESPACE", ""),
            log_level=environment.get("SX_LOG_LEVEL") or "INFO",
            log_format=environment.get("SX_LOG_FORMAT") or "json",
        )
