"""What the collector is told, by environment variables."""

from __future__ import annotations

import json

TYPE_CHECKING = False  # Importing typing costs 2 MiB of memory in every pod
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

_MAX_FILES: Final = 50_000  # As the gateway's


class SettingsError(Exception):
    """A setting is missing or wrong; the message names the variable."""


class Settings:
    """All settings. Sizes in bytes, times in seconds."""

    __slots__ = (
        "ca_file",
        "cancel_grace",
        "collect_timeout",
        "data_pool_directory",
        "data_pools",
        "gateway_url",
        "max_files",
        "output_directory",
        "output_limit",
        "poll_seconds",
        "shared_processes",
        "termination_log",
        "token_file",
        "writable_pools",
    )

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read ``SX_*`` variables; raises SettingsError."""
        self.gateway_url = environment.get("SX_GATEWAY_URL", "")
        if not self.gateway_url.startswith(("http://", "https://")):
            raise SettingsError("SX_GATEWAY_URL must be an http:// or https:// URL")
        self.ca_file = environment.get("SX_CA_FILE") or None
        self.token_file = environment.get("SX_TOKEN_FILE") or "/var/run/secrets/serviceexecution.dev/token"
        self.output_directory = environment.get("SX_OUTPUT_DIRECTORY") or "/var/runtime/output"
        self.termination_log = environment.get("SX_TERMINATION_LOG") or "/dev/termination-log"
        limit = environment.get("SX_OUTPUT_LIMIT")
        self.output_limit = _number("SX_OUTPUT_LIMIT", limit) if limit else None
        self.max_files = _number("SX_MAX_FILES", environment.get("SX_MAX_FILES") or str(_MAX_FILES))
        self.collect_timeout = _seconds("SX_COLLECT_TIMEOUT", environment.get("SX_COLLECT_TIMEOUT") or "3600")
        self.cancel_grace = _seconds("SX_CANCEL_GRACE", environment.get("SX_CANCEL_GRACE") or "30")
        self.shared_processes = environment.get("SX_SHARED_PROCESSES", "true").lower() != "false"
        self.data_pools = _names("SX_DATA_POOLS", environment.get("SX_DATA_POOLS") or "[]")
        # Those in which the program may change something
        self.writable_pools = _names("SX_WRITABLE_POOLS", environment.get("SX_WRITABLE_POOLS") or "[]")
        self.data_pool_directory = environment.get("SX_DATA_POOL_DIRECTORY") or "/var/runtime/datapool"
        # How often the gateway is asked while the program is seen running
        self.poll_seconds = _seconds("SX_POLL_SECONDS", environment.get("SX_POLL_SECONDS") or "15")


def _names(variable: str, text: str) -> list[str]:
    """Return the properties that name data pools of the store."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise SettingsError(f"{variable} must be a JSON array of texts")
    return value


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise SettingsError(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise SettingsError(f"{name} must be a number of seconds, not {text!r}")
    return seconds
