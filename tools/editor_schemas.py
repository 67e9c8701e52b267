"""JSON Schemas of the resources and of sx.yaml, for editors and for checks before anything is applied.

Where and how they are named is what kubeconform and catalogues of CRDs expect.
"""

import json
from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.resources.crds.definitions import (
    data_pool_crd,
    service_definition_crd,
    service_execution_crd,
)
from serviceexecution.resources.names import API_GROUP, DEFINITION_KIND

FOLDER: Final = "manifests/schemas"
PROJECT_SCHEMA: Final = "operator/serviceexecution/cli/sx.schema.json"
"""In the package, so that `sx init` can put it beside the sx.yaml that it writes."""

_DIALECT: Final = "http://json-schema.org/draft-07/schema#"
_METADATA: Final = ("name", "namespace", "labels", "annotations")
_SET_BY_SX: Final = {"source": ("archive",), "": ("revision",)}
"""Members of sx.yaml's spec that `sx` sets itself, by their parent."""


def editor_schemas() -> dict[str, str]:
    """Return path → text of each file."""
    crds = (service_execution_crd(), service_definition_crd(), data_pool_crd())
    files = {
        f"{FOLDER}/{API_GROUP}/{_kind(crd).lower()}_{version['name']}.json": _text(_of_version(crd, version))
        for crd in crds
        for version in _versions(crd)
    }
    (definition,) = (crd for crd in crds if _kind(crd) == DEFINITION_KIND)
    return {**files, PROJECT_SCHEMA: _text(_project_schema(definition))}


def json_schema(node: JsonObject) -> JsonObject:
    """Return a structural schema as a JSON Schema that an API server which prunes nothing would go by.

    Unknown members are refused: the API server drops them with a warning, and whoever wrote them meant something.
    """
    kept: JsonObject = {
        key: value for key, value in node.items() if not key.startswith("x-kubernetes-") and key != "default"
    }
    if isinstance(properties := node.get("properties"), dict):
        kept["properties"] = {
            name: json_schema(cast("JsonObject", child)) for name, child in properties.items()
        }
        if node.get("x-kubernetes-preserve-unknown-fields") is not True:
            kept["additionalProperties"] = False
    elif isinstance(rest := node.get("additionalProperties"), dict):
        kept["additionalProperties"] = json_schema(rest)
    if isinstance(items := node.get("items"), dict):
        kept["items"] = json_schema(items)
    return kept


def _of_version(crd: JsonObject, version: JsonObject) -> JsonObject:
    kind, name = _kind(crd), f"{API_GROUP}/{version['name']}"
    schema = json_schema(_openapi(version))
    properties = cast("dict[str, JsonObject]", schema["properties"])
    properties["apiVersion"] = {**properties["apiVersion"], "enum": [name]}
    properties["kind"] = {**properties["kind"], "enum": [kind]}
    # The API server's own: it is the same for every kind, and checked there.
    properties["metadata"] = {"type": "object"}
    required: list[JsonValue] = ["apiVersion", "kind", "metadata", "spec"]
    return {"$schema": _DIALECT, "title": kind, **schema, "required": required}


def _project_schema(definition: JsonObject) -> JsonObject:
    version = _versions(definition)[-1]
    document = _of_version(definition, version)
    properties = cast("dict[str, JsonObject]", document["properties"])
    spec = properties["spec"]
    members = cast("dict[str, JsonObject]", spec["properties"])
    for parent, names in _SET_BY_SX.items():
        held = cast("JsonObject", members[parent]["properties"]) if parent else members
        for name in names:
            held.pop(name)
    strings: JsonObject = {"type": "object", "additionalProperties": {"type": "string"}}
    metadata: dict[str, JsonValue] = {
        name: strings if name in {"labels", "annotations"} else {"type": "string"} for name in _METADATA
    }
    return {
        "$schema": _DIALECT,
        "title": "sx.yaml",
        "description": "What a project says of its service: a ServiceDefinition in which everything is optional.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "apiVersion": properties["apiVersion"],
            "kind": properties["kind"],
            "metadata": {"type": "object", "additionalProperties": False, "properties": metadata},
            "spec": {key: value for key, value in spec.items() if key != "required"},
        },
    }


def _kind(crd: JsonObject) -> str:
    return str(cast("dict[str, dict[str, str]]", crd["spec"])["names"]["kind"])


def _versions(crd: JsonObject) -> list[JsonObject]:
    return cast("list[JsonObject]", cast("JsonObject", crd["spec"])["versions"])


def _openapi(version: JsonObject) -> JsonObject:
    return cast("JsonObject", cast("JsonObject", version["schema"])["openAPIV3Schema"])


def _text(schema: JsonObject) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
