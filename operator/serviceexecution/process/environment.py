"""Settings from environment variables, checked one by one: an error names the variable and the allowed form."""

import json
from collections.abc import Mapping
from typing import Literal

LogFormat = Literal["json", "plain"]


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable."""


def required(environment: Mapping[str, str], name: str) -> str:
    """Return a text that must be there; raises SettingsError."""
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def integer(environment: Mapping[str, str], name: str, default: int, *, most: int, least: int = 1) -> int:
    """Return a whole number between ``least`` and ``most``; raises SettingsError."""
    text = environment.get(name) or str(default)
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise SettingsError(f"{name} must be a number from {least} to {most}, not {text!r}")
    return number


def json_object(environment: Mapping[str, str], name: str) -> dict[str, object]:
    """Return a JSON object, empty when the variable is not set; raises SettingsError."""
    try:
        value = json.loads(environment.get(name) or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise SettingsError(f"{name} must be a JSON object")
    return value


def text_options(environment: Mapping[str, str], name: str) -> dict[str, str]:
    """Return a JSON object of texts, empty when the variable is not set; raises SettingsError."""
    value = json_object(environment, name)
    options = {key: text for key, text in value.items() if isinstance(text, str)}
    if len(options) != len(value):
        raise SettingsError(f"{name} must be a JSON object of texts")
    return options


def log_format(environment: Mapping[str, str]) -> LogFormat:
    """Return SX_LOG_FORMAT; raises SettingsError."""
    match environment.get("SX_LOG_FORMAT") or "json":
        case "json":
            return "json"
        case "plain":
            return "plain"
        case other:
            raise SettingsError(f"SX_LOG_FORMAT must be json or plain, not {other!r}")


def log_level(environment: Mapping[str, str]) -> str:
    """Return SX_LOG_LEVEL in capitals; raises SettingsError."""
    level = (environment.get("SX_LOG_LEVEL") or "INFO").upper()
    if level not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        raise SettingsError(f"SX_LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL, not {level!r}")
    return level
