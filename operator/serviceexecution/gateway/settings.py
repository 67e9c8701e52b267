"""The gateway's settings, from environment variables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

LogFormat = Literal["json", "plain"]


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable."""


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
            store_url=_required(environment, "SX_STORE_URL"),
            cluster_id=_required(environment, "SX_CLUSTER_ID"),
            store_options=_options(environment.get("SX_STORE_OPTIONS") or "{}"),
            port=_integer(environment, "SX_PORT", 8080, most=65535),
            log_level=(environment.get("SX_LOG_LEVEL") or "INFO").upper(),
            log_format=_log_format(environment.get("SX_LOG_FORMAT") or "json"),
            large_uploads=_integer(environment, "SX_LARGE_UPLOADS", 6, most=1000),
        )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _log_format(text: str) -> LogFormat:
    match text:
        case "json" | "plain":
            return text
        case _:
            raise SettingsError(f"SX_LOG_FORMAT must be json or plain, not {text!r}")


def _integer(environment: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    text = environment.get(name) or str(default)
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= most:
        raise SettingsError(f"{name} must be a number from 1 to {most}, not {text!r}")
    return number


def _options(text: str) -> dict[str, str]:
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        raise SettingsError("SX_STORE_OPTIONS must be a JSON object of texts")
    return options
