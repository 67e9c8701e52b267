"""Settings of a process: fields of a model, of which each names the environment variable that it is read from.

An error names the variable and the allowed form. The tables in docs/settings.md are made from the same fields.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final, Literal, Self
from urllib.parse import quote, unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from serviceexecution.contract.durations import format_duration, parse_duration
from serviceexecution.contract.quantities import format_quantity, parse_quantity

LogFormat = Literal["json", "plain"]
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable."""


@dataclass(frozen=True, kw_only=True)
class Variable(BeforeValidator):
    """Annotates a field: the variable that it is read from, and how (``func``, which raises ValueError)."""

    name: str
    shown: Callable[..., str] = str
    """Returns a value as people write it in the variable."""


def variable(name: str, read: Callable[[str], object] = str, shown: Callable[..., str] = str) -> Variable:
    """Return the variable of a field; ``read`` raises ValueError with a sentence that names the variable."""
    return Variable(lambda value: read(value) if isinstance(value, str) else value, name=name, shown=shown)


def whole_number(name: str, *, most: int, least: int = 1) -> Variable:
    """Return the variable of a number between ``least`` and ``most``."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise SettingsError(f"{name} must be a number from {least} to {most}, not {text!r}")
        return number

    return variable(name, read)


def size(name: str) -> Variable:
    """Return the variable of a number of bytes, such as 256Mi."""
    return variable(name, partial(parse_quantity, field=name), format_quantity)


def duration(name: str) -> Variable:
    """Return the variable of a number of seconds, such as 1h30m."""
    return variable(name, partial(parse_duration, field=name), format_duration)


def words(name: str) -> Variable:
    """Return the variable of texts with commas between them."""
    return variable(name, split_words, ", ".join)


def split_words(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def json_object(name: str, text: str) -> dict[str, object]:
    """Return a JSON object; raises SettingsError that names the variable ``name``."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise SettingsError(f"{name} must be a JSON object")
    return value


def _store_options(text: str) -> dict[str, object]:
    options = json_object("SX_STORE_OPTIONS", text)
    if not all(isinstance(value, str) for value in options.values()):
        raise SettingsError("SX_STORE_OPTIONS must be a JSON object of texts")
    return options


def _log_level(text: str) -> str:
    level = text.upper()
    if level not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        raise SettingsError(f"SX_LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL, not {level!r}")
    return level


def _log_format(text: str) -> str:
    if text not in {"json", "plain"}:
        raise SettingsError(f"SX_LOG_FORMAT must be json or plain, not {text!r}")
    return text


def _traces_url(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise SettingsError("SX_TRACES_URL must start with http:// or https://.")
    return text


def _traces_headers(text: str) -> dict[str, str]:
    """Return headers as OTEL_EXPORTER_OTLP_HEADERS has them. An error does not say the text, which is secret."""
    headers: dict[str, str] = {}
    for word in split_words(text):
        name, equals, value = word.partition("=")
        value = unquote(value.strip())
        if not equals or not _HEADER_NAME.fullmatch(name.strip()) or not value.isprintable():
            raise SettingsError(
                "SX_TRACES_HEADERS must be name=value with commas between them, percent-encoded."
            )
        headers[name.strip()] = value
    return headers


def _as_headers(headers: Mapping[str, str]) -> str:
    return ",".join(f"{name}={quote(value)}" for name, value in headers.items())


class ProcessSettings(BaseModel):
    """What controller and gateway are both told. A field without a variable can be set only in Python."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    store_url: Annotated[str, variable("SX_STORE_URL")]
    """Where results are kept: file:///path, s3://bucket/prefix, gs://… or az://…."""
    store_options: Annotated[Mapping[str, str], variable("SX_STORE_OPTIONS", _store_options, json.dumps)] = {}
    """What the store's client is told, as a JSON object of texts."""
    namespaces: Annotated[tuple[str, ...], words("SX_NAMESPACES")] = ()
    """The namespaces that are served, with commas between them; none: the whole cluster."""
    metrics_port: Annotated[int, whole_number("SX_METRICS_PORT", most=65535)] = 9090
    """Port of the metrics. They have no authentication, so that they are not where strangers come in."""
    log_level: Annotated[str, variable("SX_LOG_LEVEL", _log_level)] = "INFO"
    """The least level of what is logged: DEBUG, INFO, WARNING, ERROR or CRITICAL."""
    log_format: Annotated[LogFormat, variable("SX_LOG_FORMAT", _log_format)] = "json"
    """json: one object a line; plain: for people."""

    traces_url: Annotated[str, variable("SX_TRACES_URL", _traces_url)] = ""
    """Where spans of traces are sent, with OTLP over HTTP: the whole address, such as
    http://collector.example:4318/v1/traces; none: nothing is traced."""
    traces_headers: Annotated[
        Mapping[str, str], variable("SX_TRACES_HEADERS", _traces_headers, _as_headers)
    ] = {}
    """Headers for it, such as a key: name=value with commas between them, values percent-encoded."""

    @classmethod
    def variables(cls) -> dict[str, Variable]:
        """Return field → its variable, of those that have one."""
        return {
            field: found
            for field, information in cls.model_fields.items()
            for found in information.metadata
            if isinstance(found, Variable)
        }

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; an empty variable means the default. Raises SettingsError."""
        variables = cls.variables()
        texts = {field: environment.get(found.name) for field, found in variables.items()}
        try:
            return cls.model_validate({field: text for field, text in texts.items() if text})
        except ValidationError as error:
            raise SettingsError(_sentence(error, variables)) from None


def _sentence(error: ValidationError, variables: Mapping[str, Variable]) -> str:
    """Return what is wrong with the first variable that is wrong."""
    first = error.errors()[0]
    name = variables[str(first["loc"][0])].name
    if first["type"] == "missing":
        return f"{name} is not set"
    if first["type"] == "value_error":  # By a reader above, whose sentence names the variable
        return str(first["ctx"]["error"])
    return f"{name}: {first['msg']}"
