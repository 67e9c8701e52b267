"""JSON Schemas of what Pydantic takes for a type, from what it validates with (its core schema).

The schemas that Pydantic itself makes say what a client should send. It takes more: ``"1"`` for an int, a number for a
date, and whatever a validator in mode "before" takes. What is unknown here, in this version or a later one, takes
everything.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from serviceexecution.launcher.schema import enums, models
from serviceexecution.launcher.schema.pieces import JsonSchema, any_of, described, json_or_none, typed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CoreSchema = dict[str, Any]

_DEEPEST: Final = 24
_SIMPLE: Final[dict[str, JsonSchema]] = {
    "none": typed("null"),
    "bool": typed("boolean", "number", "string"),
    "int": typed("integer", "string", "boolean"),
    "float": typed("number", "string", "boolean"),
    "decimal": typed("number", "string", "boolean"),
    "bytes": typed("string"),
    "date": typed("string", "number"),
    "time": typed("string", "number"),
    "datetime": typed("string", "number"),
    "timedelta": typed("string", "number"),
    "url": typed("string"),
    "multi-host-url": typed("string"),
    "uuid": typed("string"),
}
_INNER: Final = {
    "function-after": "schema",
    "custom-error": "schema",
    "lax-or-strict": "lax_schema",
    "json-or-python": "json_schema",
}
"""Which part of a schema says what it takes at most."""


class CoreSchemas:
    """Makes schemas; what is referred to by name is collected in ``definitions``, for ``$defs``."""

    def __init__(self) -> None:
        self.definitions: dict[str, JsonSchema] = {}
        self._known: dict[str, CoreSchema] = {}
        self._names: dict[str, str] = {}
        self._depth = 0
        self._settings: Mapping[str, Any] = {}
        self._fields: Mapping[str, Any] = {}
        self._makers: Mapping[str, Callable[[CoreSchema], JsonSchema]] = {
            "str": _text,
            "nullable": lambda core: any_of([self.of(core["schema"]), typed("null")]),
            "default": self._with_default,
            "list": self._sequence,
            "set": self._items_only,
            "frozenset": self._items_only,
            "generator": self._items_only,
            "tuple": self._tuple,
            "dict": self._dict,
            "union": self._union,
            "tagged-union": lambda core: any_of([self.of(choice) for choice in core["choices"].values()]),
            "literal": _literal,
            "enum": _enum,
            "chain": lambda core: self.of(core["steps"][0]),
            "definitions": self._with_definitions,
            "definition-ref": self._reference,
            "model": self._model,
            "model-fields": lambda core: models.fields(core, self.of, self._settings, self._fields),
            "typed-dict": self._typed_dict,
            "dataclass": lambda core: self.of(core["schema"]),
            "dataclass-args": lambda _: typed("object"),
        }

    def of(self, core: CoreSchema) -> JsonSchema:
        """Return the schema of every JSON value that ``core`` takes."""
        kind = core["type"]
        if self._depth >= _DEEPEST:
            return {}
        if kind in _INNER:
            return self.of(core[_INNER[kind]])
        if kind in {"int", "float"}:
            return _number(core)
        if kind in _SIMPLE:
            return dict(_SIMPLE[kind])
        maker = self._makers.get(kind)
        if maker is None:
            return {}
        self._depth += 1
        try:
            return maker(core)
        finally:
            self._depth -= 1

    def resolved(self, schema: JsonSchema) -> JsonSchema:
        """Return what ``schema`` refers to, itself when it refers to nothing."""
        reference = str(schema.get("$ref", ""))
        return self.definitions.get(reference.rpartition("/")[2], {}) if reference else schema

    def _model(self, core: CoreSchema) -> JsonSchema:
        if core.get("custom_init"):
            return {}  # Its __init__ takes what it likes
        cls = core["cls"]
        outer = self._settings, self._fields
        self._settings, self._fields = core.get("config") or {}, getattr(cls, "model_fields", {})
        try:
            schema = self.of(core["schema"])
        finally:
            self._settings, self._fields = outer
        named = "$ref" in schema or core.get("root_model")
        return schema if named else models.documented(schema, cls)

    def _typed_dict(self, core: CoreSchema) -> JsonSchema:
        outer = self._settings, self._fields
        by_name = {name: True for name in models.BY_NAME if self._settings.get(name)}
        self._settings, self._fields = {**(core.get("config") or {}), **by_name}, {}
        try:
            return models.fields(core, self.of, self._settings, {})
        finally:
            self._settings, self._fields = outer

    def _with_default(self, core: CoreSchema) -> JsonSchema:
        return {} if core.get("on_error", "raise") != "raise" else self.of(core["schema"])

    def _sequence(self, core: CoreSchema) -> JsonSchema:
        schema = self._items_only(core)
        for keyword, limit in (("minItems", "min_length"), ("maxItems", "max_length")):
            if isinstance(core.get(limit), int):
                schema[keyword] = core[limit]
        return schema

    def _items_only(self, core: CoreSchema) -> JsonSchema:
        items = self.of(core["items_schema"]) if core.get("items_schema") else {}
        return {"type": "array", "items": items} if items else {"type": "array"}

    def _tuple(self, core: CoreSchema) -> JsonSchema:
        items, variadic = core["items_schema"], core.get("variadic_item_index")
        if variadic is not None:
            return {"type": "array"} if len(items) > 1 else {"type": "array", "items": self.of(items[0])}
        schema: JsonSchema = {"type": "array", "maxItems": len(items)}
        if items:
            schema["prefixItems"] = [self.of(item) for item in items]
            if not any(models.has_default(item) for item in items):
                schema["minItems"] = len(items)
        return schema

    def _dict(self, core: CoreSchema) -> JsonSchema:
        values = self.of(core["values_schema"]) if core.get("values_schema") else {}
        return {"type": "object", "additionalProperties": values} if values else {"type": "object"}

    def _union(self, core: CoreSchema) -> JsonSchema:
        choices = [choice[0] if isinstance(choice, tuple) else choice for choice in core["choices"]]
        return any_of([self.of(choice) for choice in choices])

    def _with_definitions(self, core: CoreSchema) -> JsonSchema:
        self._known |= {definition["ref"]: definition for definition in core["definitions"]}
        return self.of(core["schema"])

    def _reference(self, core: CoreSchema) -> JsonSchema:
        reference = core["schema_ref"]
        target = self._known.get(reference)
        if target is None:
            return {}
        if reference not in self._names:
            cls = target.get("cls")
            base = re.sub(r"[^A-Za-z0-9_]", "_", getattr(cls, "__name__", "") or target["type"])
            taken = set(self._names.values())
            name = next(n for n in (base, *(f"{base}{i}" for i in range(2, 10_000))) if n not in taken)
            self._names[reference] = name
            depth, self._depth = self._depth, 0
            self.definitions[name] = {}
            self.definitions[name] = self.of(target)
            self._depth = depth
        return {"$ref": f"#/$defs/{self._names[reference]}"}


def _number(core: CoreSchema) -> JsonSchema:
    """Limits are those of the number, not of a text that is read as one."""
    schema = dict(_SIMPLE[core["type"]])
    keywords = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    limits = {keyword: json_or_none(core.get(name)) for name, keyword in keywords.items()}
    return {**schema, **{name: limit for name, limit in limits.items() if isinstance(limit, (int, float))}}


def _text(core: CoreSchema) -> JsonSchema:
    # How long it is after spaces were stripped and letters changed, and what its pattern means, only Pydantic knows
    schema: JsonSchema = typed("string")
    said = []
    if isinstance(shortest := core.get("min_length"), int) and shortest > 0:
        schema["minLength"] = 1
        said.append(f"At least {shortest} characters." if shortest > 1 else "")
    if isinstance(longest := core.get("max_length"), int):
        said.append(f"At most {longest} characters.")
    if isinstance(pattern := core.get("pattern"), str):
        said.append(f"Pattern: {pattern}")
    return described(schema, *said)


def _literal(core: CoreSchema) -> JsonSchema:
    expected = core["expected"]
    if any(type(value) not in {str, int, bool, type(None)} for value in expected):
        return {}
    return {"enum": list(expected)}


def _enum(core: CoreSchema) -> JsonSchema:
    cls = core.get("cls")
    texts = enums.text_values(cls) if isinstance(cls, type) and issubclass(cls, Enum) else None
    return {} if texts is None or core.get("missing") is not None else {"enum": texts}
