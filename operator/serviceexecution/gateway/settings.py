"""The gateway's settings, from environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from serviceexecution.process.environment import (
    LogFormat,
    integer,
    log_format,
    log_level,
    required,
    text_options,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a gateway process must be told."""

    store_url: str
    cluster_id: str
    store_options: Mapping[str, str] = field(default_factory=dict)
    port: int = 8080
    log_level: str = "INFO"
    log_format: LogFormat = "json"
    large_uploads: int = 6
    """Uploads above 1 MiB that are received at the same time; each holds up to 24 MiB of memory."""
    small_uploads: int = 64
    upload_queue_seconds: float = 20.0
    """How long an upload waits for its turn before it is told to come back."""
    body_idle_seconds: float = 60.0
    """How long a sender may stay silent in the middle of a body."""
    shutdown_seconds: int = 20
    """How long running requests may still take after SIGTERM."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from ``SX_*`` variables; raises SettingsError."""
        return cls(
            store_url=required(environment, "SX_STORE_URL"),
            cluster_id=required(environment, "SX_CLUSTER_ID"),
            store_options=text_options(environment, "SX_STORE_OPTIONS"),
            port=integer(environment, "SX_PORT", 8080, most=65535),
            log_level=log_level(environment),
            log_format=log_format(environment),
            large_uploads=integer(environment, "SX_LARGE_UPLOADS", 6, most=1000),
        )
