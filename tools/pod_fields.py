"""The fields of a pod template, from the models of the official Kubernetes package, which takes seconds to import."""

import json
import re
from typing import Any, Final

from serviceexecution.contract.json_types import JsonObject

FIELDS_FILE: Final = "operator/serviceexecution/resources/pods/pod_template_fields.json"
_ROOTS: Final = ("PodTemplateSpec", "Affinity")
_VERSION: Final = re.compile(r"^(V\d+((alpha|beta)\d+)?|Core(V\d+))(?=[A-Z])")
_MODEL: Final = re.compile(r"^[A-Z]\w+$")
_LIST: Final = re.compile(r"^List\[(\w+)\]$")


def pod_template_fields() -> str:
    """Return the table: type → field → its type, as ``resources.pod_template_fields`` reads it."""
    from kubernetes.client import models  # noqa: PLC0415 - see above

    table: JsonObject = {}
    waiting = [f"V1{name}" for name in _ROOTS]
    while waiting:
        model: Any = getattr(models, name := waiting.pop())
        if _short(name) in table:
            continue
        fields: JsonObject = {}
        for attribute, kind in model.openapi_types.items():
            fields[model.attribute_map[attribute]], used = _field(kind)
            waiting += [used] if used else []
        table[_short(name)] = dict(sorted(fields.items()))
    return json.dumps(dict(sorted(table.items())), indent=1) + "\n"


def _field(kind: str) -> tuple[str, str]:
    """Return what the table says of a field, and the model that it leads to."""
    listed = _LIST.match(kind)
    item = listed[1] if listed else kind
    if _MODEL.match(item) and item != "List":
        return _short(item) + ("[]" if listed else ""), item
    if listed:
        return "[]", ""
    return ("{}" if kind.startswith("Dict") else ""), ""


def _short(name: str) -> str:
    return _VERSION.sub("", name)
