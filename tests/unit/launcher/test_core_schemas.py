"""Schemas of Pydantic's models, with the Pydantic of our own environment; the libraries' are in tests/launcher."""

import json
from enum import Enum
from typing import Annotated, Literal, cast

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.launcher.schema.core import CoreSchemas
from serviceexecution.launcher.schema.enums import by_value_or_name
from serviceexecution.schemas.worker import answer


def schema_of(model: type[BaseModel]) -> dict[str, object]:
    made = CoreSchemas()
    schema = made.of(dict(model.__pydantic_core_schema__))
    return {**schema, "$defs": made.definitions} if made.definitions else schema


def fits(model: type[BaseModel], value: object) -> bool:
    return answer(cast("JsonObject", schema_of(model)), json.dumps(value)) == {"faults": []}


class Plain(BaseModel):
    """A plain model."""

    number: int = Field(ge=0, lt=10, description="How many")
    word: Annotated[str, Field(min_length=2, max_length=3, pattern="^a")] = "ab"
    choice: Literal["a", "b"] | None = None
    items: Annotated[list[float], Field(min_length=1, max_length=2)] = [1.0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"number": 1}, True),
        ({"number": "1"}, True),
        ({"number": 1.0}, True),
        ({"number": True}, True),
        ({"number": 1, "more": {}}, True),
        ({"number": 1, "word": "x"}, True),
        ({"number": 1, "choice": None}, True),
        ({}, False),
        ([], False),
        ({"number": 1.5}, False),
        ({"number": 10}, False),
        ({"number": None}, False),
        ({"number": 1, "word": ""}, False),
        ({"number": 1, "word": 5}, False),
        ({"number": 1, "choice": "c"}, False),
        ({"number": 1, "items": []}, False),
        ({"number": 1, "items": [{}]}, False),
        ({"number": 1, "items": [1, 2, 3]}, False),
    ],
)
def test_a_plain_model_s_schema_fits_as_the_model_does(value: object, expected: bool) -> None:
    assert fits(Plain, value) is expected


def test_a_schema_has_the_titles_and_words_that_people_read() -> None:
    schema = schema_of(Plain)
    assert (schema["title"], schema["description"]) == ("Plain", "A plain model.")
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert properties["number"]["description"] == "int. How many"
    assert (
        properties["word"]["description"] == "str. At least 2 characters. At most 3 characters. Pattern: ^a"
    )
    assert properties["word"]["default"] == "ab"


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    number: int = Field(alias="No")
    either: int = Field(validation_alias=AliasChoices("one", "two"))


class Rooted(RootModel[list[int]]):
    pass


class Node(BaseModel):
    value: int
    next: "Node | None" = None


class Before(BaseModel):
    number: int

    @field_validator("number", mode="before")
    @classmethod
    def read(cls, value: object) -> object:
        return value


class WholeBefore(BaseModel):
    number: int

    @model_validator(mode="before")
    @classmethod
    def read(cls, value: object) -> object:
        return value


class After(Closed):
    @model_validator(mode="after")
    def look(self) -> "After":
        return self


@pytest.mark.parametrize(
    ("model", "value", "expected"),
    [
        (Closed, {"No": 1, "one": 1}, True),
        (Closed, {"number": 1, "two": 1}, True),
        (Closed, {"one": 1}, False),
        (Closed, {"No": 1}, False),
        (Closed, {"No": 1, "one": 1, "more": 1}, False),
        (After, {"number": 1, "two": 1}, True),
        (After, {"number": 1, "two": 1, "x": 1}, False),
        (Rooted, ["1"], True),
        (Rooted, {}, False),
        (Node, {"value": 1, "next": {"value": "2", "next": None}}, True),
        (Node, {"value": 1, "next": {"next": None}}, False),
        (Before, {"number": [1]}, True),
        (Before, {}, False),
        (WholeBefore, "anything", True),
    ],
)
def test_other_models_schemas_fit_as_the_models_do(
    model: type[BaseModel], value: object, expected: bool
) -> None:
    assert fits(model, value) is expected


def test_what_is_unknown_takes_everything() -> None:
    assert CoreSchemas().of({"type": "of-a-later-version"}) == {}


class Color(Enum):
    RED = "red"
    ONE = 1


class Custom(Enum):
    A = "a"

    @classmethod
    def _missing_(cls, value: object) -> "Custom":
        return cls.A


def test_enumerations_by_value_or_name() -> None:
    assert by_value_or_name(Color) == {"enum": ["red", 1, "RED", "ONE", True]}
    assert "enum" not in by_value_or_name(Custom)
