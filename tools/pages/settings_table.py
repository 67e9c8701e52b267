"""The tables in docs/settings.md, from the fields of the settings of controller, gateway and builds."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from serviceexecution.builds.settings import BuildsSettings
from serviceexecution.contract.durations import format_duration
from serviceexecution.contract.quantities import format_quantity
from serviceexecution.controller.settings import ControllerSettings
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.process.settings import ProcessSettings
from serviceexecution.resources.pod_fields import ResourceRequirements
from tools.pages.markdown import replace_parts, table

PAGE: Final = "docs/settings.md"
NOTHING: Final[tuple[object, ...]] = ("", (), {}, None, ResourceRequirements())
"""Defaults that need no words."""
SHOWN: Final[Mapping[str, Callable[..., str]]] = {
    "timeout": format_duration,
    "limits.archive": format_quantity,
    "limits.context": format_quantity,
    "limits.image": format_quantity,
    "registry.insecure": json.dumps,
}
"""How members of SX_BUILDS are written."""


def replace_settings(text: str) -> str:
    """Return the page with fresh tables; raises GenerationError."""
    shared = list(_variables(ProcessSettings))
    head = ("Variable", "Default", "Meaning")
    parts = {
        "both": shared,
        "controller": [row for row in _variables(ControllerSettings) if row not in shared],
        "gateway": [row for row in _variables(GatewaySettings) if row not in shared],
    }
    tables = {part: table(head, rows) for part, rows in parts.items()}
    tables["builds"] = table(("Member", "Default", "Meaning"), _members(BuildsSettings, ""))
    return replace_parts(PAGE, text, tables)


def _variables(settings: type[ProcessSettings]) -> Iterator[tuple[str, str, str]]:
    for name, variable in settings.variables().items():
        field = settings.model_fields[name]
        yield f"`{variable.name}`", _default(field, variable.shown), field.description or ""


def _members(model: type[BaseModel], path: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        here = f"{path}{field.alias or name}"
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.__module__ == model.__module__:
            yield from _members(kind, f"{here}.")
        else:
            yield f"`{here}`", _default(field, SHOWN.get(here, str)), field.description or ""


def _default(field: FieldInfo, shown: Callable[..., str]) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    return "" if default in NOTHING else f"`{shown(default)}`"
