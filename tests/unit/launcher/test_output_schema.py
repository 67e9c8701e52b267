"""What is said of a main result; an execution fails whose result does not fit, so it is little."""

import dataclasses
import datetime
import enum
from inspect import Signature
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, TypedDict, Union  # noqa: UP035 - as users write it

import pytest
from pydantic import BaseModel, Field, RootModel, model_serializer

from serviceexecution.launcher.schema.document import output_schema


class Result(BaseModel):
    """What came of it."""

    total: float = Field(description="The sum")
    hidden: int = Field(default=1, exclude=True)


class Other(BaseModel):
    error: str


class Own(BaseModel):
    @model_serializer
    def text(self) -> str:
        return "x"


class Typed(TypedDict):
    a: int


class Named(NamedTuple):
    a: int


@dataclasses.dataclass
class Data:
    a: int


@dataclasses.dataclass(slots=True)
class Slots:
    a: int


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (dict, "object"),
        (Dict[str, Any], "object"),  # noqa: UP006
        (list, "array"),
        (List[Result], "array"),  # noqa: UP006
        (Tuple[int, ...], "array"),  # noqa: UP006
        (Named, "array"),
        (bytes, "string"),
        (Result, "object"),
        (Typed, "object"),
        (Data, "object"),
        (Union[Result, Other], "object"),  # noqa: UP007
        (Result | Other, "object"),
        (Optional[Result], None),  # noqa: UP045
        (Union[Result, list], None),  # noqa: UP007
        (Signature.empty, None),
        (None, None),
        (Any, None),
        (str, None),
        (int, None),
        (float, None),
        (bool, None),
        (enum.Enum, None),
        (set, None),
        (Slots, None),
        (Own, None),
        (RootModel[int], None),
        (datetime.datetime, None),
        ("Result", None),
    ],
)
def test_a_return_annotation_becomes_a_schema(annotation: object, kind: str | None) -> None:
    found = output_schema(Signature(return_annotation=annotation))
    assert (found or {}).get("type") == kind


def test_a_model_says_what_it_has() -> None:
    found = output_schema(Signature(return_annotation=Result))
    assert found is not None
    assert found["description"] == "What came of it."
    assert found["properties"] == {"total": {"description": "float. The sum"}}
