"""Values for every field of a CRD, made from its schema: such as it takes, and such as it does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_CRDS: Final = Path(__file__).parents[2] / "crds"
_TEXTS: Final = {
    "digest": f"sha256:{'0' * 64}",
    "url": "https://receiver.example/done",
    "entryPoint": "src.program:run",
    "cancel": "r1",
    "revision": "r1",
    "fieldPath": "metadata.name",
    "resource": "limits.memory",
    "inputJson": '{"data": 2}',
    "mountPath": "/data",
}
"""Texts that the rules of these fields want."""
_DEEPEST: Final = 6


@dataclass(frozen=True, slots=True)
class Value:
    """One value of one field."""

    path: tuple[str, ...]
    value: Any
    fits: bool
    """Whether the schema takes it. What it takes may be refused all the same: then the status says why."""

    @property
    def field(self) -> str:
        """Return the field's last name."""
        return [name for name in self.path if name != "[]"][-1]

    def __str__(self) -> str:
        shown = repr(self.value)
        return f"{'.'.join(self.path)} = {shown if len(shown) < 60 else shown[:60] + '…'}"

    def in_spec(self, spec: Any) -> Any:
        """Return the spec with that value, and what is required beside it."""
        return _placed(spec, self.path, self.value)


def schema_of(plural: str) -> Any:
    """Return the schema of a kind's spec."""
    crd = yaml.safe_load((_CRDS / f"serviceexecution.dev_{plural}.yaml").read_text())
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def values_of(schema: Any, path: tuple[str, ...] = ()) -> Iterator[Value]:
    """Give values for the fields of an object, each on its own."""
    for name, field in schema.get("properties", {}).items():
        here = (*path, name)
        fitting, odd = _values(field, name)
        for value in fitting:
            yield Value(here, value, fits=True)
        for value in odd:
            yield Value(here, value, fits=False)
        if len(here) < _DEEPEST and _can_stand_alone(field):
            yield from values_of(field, here)


def _can_stand_alone(field: Any) -> bool:
    """Tell whether a member of the object may be tried without the others."""
    return field.get("type") == "object" and "properties" in field and len(field.get("required", ())) < 2


def _values(field: Any, name: str) -> tuple[list[Any], list[Any]]:
    if field.get("x-kubernetes-int-or-string"):
        if "pattern" in field:
            return ["1Gi", 1024], ["much", True]
        return ["30s", 30], ["soon", "-1s", -1]
    kind = field.get("type")
    if kind == "boolean":
        return [True, False], ["perhaps", 1]
    if kind == "integer":
        least, most = field.get("minimum", -5), field.get("maximum", 2**31 - 1)
        return [least, least + 1, most], [*([least - 1] if "minimum" in field else []), "many", 1.5]
    if kind == "string":
        return _texts(field, name)
    if kind == "array":
        item = _example(field["items"], name)
        return [[], [item]], [item if isinstance(item, str) else {}, [None]]
    return _objects(field, name)


def _texts(field: Any, name: str) -> tuple[list[Any], list[Any]]:
    odd: list[Any] = [5, ["a"]]
    if field.get("minLength"):
        odd.append("")
    if field.get("maxLength", 10**9) < 10_000:
        odd.append("a" * (field["maxLength"] + 1))
    if "enum" in field:
        return list(field["enum"]), [*odd, "other"]
    return [_TEXTS.get(name, "abc")], odd


def _objects(field: Any, name: str) -> tuple[list[Any], list[Any]]:
    odd: list[Any] = ["text", ["a"]]
    if isinstance(field.get("additionalProperties"), dict):
        return [{}, {"abc": _example(field["additionalProperties"], name)}], odd
    if field.get("required"):
        return [_example(field, name)], [*odd, {}]
    return [{}], odd


def _example(field: Any, name: str) -> Any:
    if field.get("type") == "object" and field.get("required"):
        return {one: _example(field["properties"][one], one) for one in field["required"]}
    return _values(field, name)[0][-1]


def _placed(body: Any, path: tuple[str, ...], value: Any) -> Any:
    first, *rest = path
    inner = _placed(body.get(first) or {}, tuple(rest), value) if rest else value
    return {**body, first: inner}
