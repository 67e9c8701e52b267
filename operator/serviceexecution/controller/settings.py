"""The controller's settings, read once from the environment."""

import json
from typing import Annotated

from serviceexecution.builds.settings import BuildsSettings, read_builds
from serviceexecution.executions.planning.pod_defaults import (
    CONTAINER_RESTART_RULES_SINCE,
    DEFAULT_COLLECTOR_RESOURCES,
    PodDefaults,
)
from serviceexecution.executions.pools.resolve import DEFAULT_STAGE_LIMIT
from serviceexecution.process.settings import (
    ProcessSettings,
    duration,
    json_object,
    size,
    variable,
    whole_number,
    words,
)
from serviceexecution.resources.pods.pod_start import StartLimits


def _without_slash(text: str) -> str:
    return text.rstrip("/")


def _collector_resources(text: str) -> str:
    json_object("SX_COLLECTOR_RESOURCES", text)
    return text


def _is_true(text: str) -> bool:
    return text == "true"


def _as_json(value: bool) -> str:
    return str(value).lower()


class ControllerSettings(ProcessSettings):
    """Settings of one controller process. Times in seconds, sizes in bytes."""

    cluster_id: Annotated[str, variable("SX_CLUSTER_ID")] = "local"
    """The name of this cluster among those that share a store."""
    gateway_url: Annotated[str, variable("SX_GATEWAY_URL", _without_slash)]
    """Where collectors upload to, as reached from pods."""
    collector_image: Annotated[str, variable("SX_COLLECTOR_IMAGE")]
    """The image of the collector, which runs beside each program."""
    collector_image_pull_policy: Annotated[str, variable("SX_COLLECTOR_IMAGE_PULL_POLICY")] = "IfNotPresent"
    """Its imagePullPolicy."""
    collector_resources: Annotated[str, variable("SX_COLLECTOR_RESOURCES", _collector_resources)] = (
        DEFAULT_COLLECTOR_RESOURCES
    )
    """Its resource requirements, as a JSON object."""
    run_as_user: Annotated[int, whole_number("SX_DEFAULT_RUN_AS_USER", most=2**31 - 1)] = 65532
    """The user of programs and collectors whose execution names none."""
    data_pool_stage_limit: Annotated[int, size("SX_DATA_POOL_STAGE_LIMIT")] = DEFAULT_STAGE_LIMIT
    """Most bytes of data pools of the results store that are brought into one pod."""
    log_limit: Annotated[int, size("SX_LOG_LIMIT")] = 256 * 1024**2
    """Most bytes that are kept of a program's log."""
    missing_reference_limit: Annotated[float, duration("SX_MISSING_REFERENCE_LIMIT")] = 60
    """How long a Secret, ConfigMap or claim may be missing before the execution fails."""
    image_refused_limit: Annotated[float, duration("SX_IMAGE_REFUSED_LIMIT")] = 120
    """How long a registry may refuse an image before the execution fails."""
    retention: Annotated[float, duration("SX_RETENTION")] = 7 * 24 * 3600
    """How long results outlive their execution's deletion."""
    sweep_bulk: Annotated[bool, variable("SX_SWEEP_BULK", _is_true, json.dumps)] = False
    """true: results of more than half of all executions may be deleted at once."""
    callback_urls: Annotated[tuple[str, ...], words("SX_CALLBACK_URLS")] = ()
    """Where callbacks may go, with commas between them; none: nowhere."""
    builds: Annotated[BuildsSettings | None, variable("SX_BUILDS", read_builds)] = None
    """How images are built, as a JSON object; none: this installation builds no images."""
    health_port: Annotated[int, whole_number("SX_HEALTH_PORT", most=65535)] = 8081
    """Port of the probes."""
    lease_name: Annotated[str, variable("SX_LEASE_NAME")] = ""
    """The Lease that one of several controllers holds; none: this one works without."""
    lease_namespace: Annotated[str, variable("SX_LEASE_NAMESPACE")] = ""
    """The Lease's namespace."""
    lease_seconds: Annotated[int, whole_number("SX_LEASE_SECONDS", least=5, most=300)] = 30
    """Seconds after which another controller may take the Lease of one that died without a word."""
    workers: int = 16
    resync_seconds: float = 300
    kubernetes: tuple[int, int] = CONTAINER_RESTART_RULES_SINCE
    """Version of the API server."""

    @property
    def pod(self) -> PodDefaults:
        """Return what every pod gets from the installation."""
        return PodDefaults(
            collector_image=self.collector_image,
            gateway_url=self.gateway_url,
            collector_image_pull_policy=self.collector_image_pull_policy,
            collector_resources=self.collector_resources,
            run_as_user=self.run_as_user,
            traced=bool(self.traces_url),
        ).for_cluster(self.kubernetes)

    @property
    def start_limits(self) -> StartLimits:
        """Return how long causes that keep a program from starting may last."""
        return StartLimits(
            missing_reference=self.missing_reference_limit, image_refused=self.image_refused_limit
        )
