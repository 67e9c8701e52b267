"""The controller's settings, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from serviceexecution.builds.settings import BuildsSettings, builds_settings
from serviceexecution.contract.durations import parse_duration
from serviceexecution.contract.quantities import parse_quantity
from serviceexecution.executions.pod_defaults import DEFAULT_COLLECTOR_RESOURCES, PodDefaults
from serviceexecution.process.environment import (
    LogFormat,
    integer,
    json_object,
    log_format,
    log_level,
    required,
    text_options,
)
from serviceexecution.resources.pods.pod_start import StartLimits


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
    log_format: LogFormat = "json"
    workers: int = 16
    resync_seconds: float = 300
    retention_seconds: float = 7 * 24 * 3600
    """How long results outlive their execution's deletion."""
    callback_urls: tuple[str, ...] = ()
    """Where callbacks may go; none: nowhere."""
    builds: BuildsSettings | None = None
    """None: this installation builds no images."""
    sweep_bulk: bool = False
    """Whether results of more than half of all executions may be deleted at once."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from ``SX_*`` variables; raises SettingsError, DurationError or QuantityError."""
        pod = PodDefaults(
            collector_image=required(environment, "SX_COLLECTOR_IMAGE"),
            gateway_url=required(environment, "SX_GATEWAY_URL").rstrip("/"),
            collector_image_pull_policy=environment.get("SX_COLLECTOR_IMAGE_PULL_POLICY") or "IfNotPresent",
            collector_resources=_collector_resources(environment),
            run_as_user=integer(environment, "SX_DEFAULT_RUN_AS_USER", 65532, most=2**31 - 1),
        )
        missing_reference = environment.get("SX_MISSING_REFERENCE_LIMIT") or "60s"
        image_refused = environment.get("SX_IMAGE_REFUSED_LIMIT") or "120s"
        return cls(
            pod=pod,
            store_url=required(environment, "SX_STORE_URL"),
            store_options=text_options(environment, "SX_STORE_OPTIONS"),
            cluster_id=environment.get("SX_CLUSTER_ID") or "local",
            namespaces=tuple(n.strip() for n in environment.get("SX_NAMESPACES", "").split(",") if n.strip()),
            log_limit=parse_quantity(environment.get("SX_LOG_LIMIT") or "256Mi", field="SX_LOG_LIMIT"),
            start_limits=StartLimits(
                missing_reference=parse_duration(missing_reference, field="SX_MISSING_REFERENCE_LIMIT"),
                image_refused=parse_duration(image_refused, field="SX_IMAGE_REFUSED_LIMIT"),
            ),
            health_port=integer(environment, "SX_HEALTH_PORT", 8081, most=65535),
            metrics_port=integer(environment, "SX_METRICS_PORT", 9090, most=65535),
            lease_name=environment.get("SX_LEASE_NAME", ""),
            lease_namespace=environment.get("SX_LEASE_NAMESPACE", ""),
            retention_seconds=parse_duration(environment.get("SX_RETENTION") or "168h", field="SX_RETENTION"),
            callback_urls=tuple(
                url.strip() for url in environment.get("SX_CALLBACK_URLS", "").split(",") if url.strip()
            ),
            builds=builds_settings(environment),
            sweep_bulk=environment.get("SX_SWEEP_BULK") == "true",
            log_level=log_level(environment),
            log_format=log_format(environment),
        )


def _collector_resources(environment: Mapping[str, str]) -> str:
    json_object(environment, "SX_COLLECTOR_RESOURCES")
    return environment.get("SX_COLLECTOR_RESOURCES") or DEFAULT_COLLECTOR_RESOURCES
