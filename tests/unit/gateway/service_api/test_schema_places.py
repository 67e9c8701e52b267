"""Schemas in a document: their references work there, for readers that know no ``$id``, too."""

import jsonschema_rs
import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.service_api.description.schema_places import placed

POINTER = "#/components/schemas/Input"


def test_references_follow_and_values_that_look_like_some_stay():
    schema: JsonObject = {
        "$defs": {"a": {"type": "integer"}, "$ref": {"type": "string"}, "b": {"$ref": "#/$defs/a"}},
        "properties": {
            "a": {"$ref": "#/$defs/a"},
            "$ref": {"$ref": "#/$defs/$ref"},
            "const": {"$ref": "#/$defs/b"},
            "nested": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
            "value": {"const": {"$ref": "#/$defs/a"}, "default": {"$ref": "#/x"}},
            "outside": {"$ref": "https://example.com/x.json"},
        },
    }
    found = placed(schema, POINTER, identifier="input")
    properties = found["properties"]
    assert properties["a"] == {"$ref": f"{POINTER}/$defs/a"}
    assert properties["$ref"] == {"$ref": f"{POINTER}/$defs/$ref"}
    assert properties["const"] == {"$ref": f"{POINTER}/$defs/b"}
    assert properties["nested"]["anyOf"][0] == {"$ref": POINTER}
    assert properties["value"] == schema["properties"]["value"]
    assert properties["outside"] == {"$ref": "https://example.com/x.json"}
    assert found["$defs"]["b"] == {"$ref": f"{POINTER}/$defs/a"}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}}, [1], ["x"]),
        ({"type": "array", "items": {"$ref": "#"}}, [[[]]], [1]),
    ],
)
def test_schemas_mean_the_same_at_their_new_places(schema, good, bad):
    there = placed(schema, POINTER, identifier="input")
    assert "$id" not in there
    validator = jsonschema_rs.Draft202012Validator(
        {"$ref": POINTER, "components": {"schemas": {"Input": there}}}
    )
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


@pytest.mark.parametrize("names", [{"$id": "https://example.com/own"}, {"$anchor": "top"}])
def test_one_with_names_of_its_own_becomes_a_resource(names):
    schema = {**names, "$defs": {"n": {"$anchor": "number", "type": "integer"}}, "items": {"$ref": "#number"}}
    there = placed(schema, POINTER, identifier="input")
    assert there == {**schema, "$id": "input"}
    # validators look for resources where the standard has schemas
    validator = jsonschema_rs.Draft202012Validator({"allOf": [there]})
    assert validator.is_valid([1])
    assert not validator.is_valid(["x"])


@pytest.mark.parametrize("name", ["$id", "$anchor"])
def test_a_property_of_such_a_name_is_no_name(name):
    assert "$id" not in placed({"properties": {name: {"type": "string"}}}, POINTER, identifier="input")
