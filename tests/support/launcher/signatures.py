"""Signatures of ``run()`` as source, with inputs for them: what the two libraries take, and what is near it."""

import json
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from typing_extensions import override

PRELUDE = """
import dataclasses
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from pathlib import Path, PurePath
from typing import *
from uuid import UUID
from typing_extensions import TypedDict
from pydantic import *
from {library}.commons.datapool import DataPool
from {library}.commons.secret import SecretValue

class Color(str, Enum):
    RED = "red"
    BLUE = "7"
class Level(IntEnum):
    LOW = 0
    HIGH = 1
class Mixed(Enum):
    ONE = 1
    WORD = "word"
    SAME = "ONE"
class Lenient(Enum):
    A = "a"
    @classmethod
    def _missing_(cls, value):
        return cls.A
class Bits(Flag):
    R = 1
    W = 2
class Shape(TypedDict):
    side: int
    label: NotRequired[str]
@dataclasses.dataclass
class Point:
    x: int
    y: float = 0
class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9
class Dog(BaseModel):
    kind: Literal["dog"]
    good: bool
class Tree(BaseModel):
    value: int
    children: List["Tree"] = []
class Numbers(RootModel[List[int]]):
    pass
class Names(RootModel[Dict[str, str]]):
    pass
class Odd(BaseModel):
    a: int
    @model_validator(mode="before")
    @classmethod
    def accept(cls, data):
        return {{"a": 1}} if not isinstance(data, dict) else data
class Initialised(BaseModel):
    a: int = 1
    def __init__(self, **data):
        super().__init__(a=1)
"""


@dataclass(frozen=True, slots=True, repr=False)
class Kind:
    """An annotation as source, and JSON texts that may suit it."""

    source: str
    texts: SearchStrategy[str]

    @override
    def __repr__(self) -> str:
        return self.source


def _texts(*values: object) -> SearchStrategy[str]:
    return st.sampled_from([json.dumps(value) for value in values])


_RAW = st.sampled_from(
    ["5.0", "1e3", "-0", "1E-2", " 7 ", "123456789012345678901234567890", "1.0000000000000000001"]
)
_ODD = _texts(
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        7,
        1.0,
        1.5,
        1704067200,
        "",
        " ",
        "1",
        "1.0",
        " 3 ",
        "1_0",
        "true",
        "no",
    ),
    *("null", "red", "RED", "HIGH", "word", "ONE", "a", "2024-01-01", "2024-01-01T10:00:00Z", "10:00", "P1D"),
    *("12345678-1234-5678-1234-567812345678", "NaN", "inf", "[1]", '{"a": 1}', "https://example.org/a", "é"),
    *([], [1], ["1"], ["a", 2], [[1]], [None], {}, {"a": 1}, {"a": "1"}, {"1": 2}, {"kind": "cat"}),
    *({"kind": "dog", "good": "yes"}, {"side": "2"}, {"x": 1}, {"value": 1, "children": [{"value": "2"}]}),
)
ANY = st.one_of(_ODD, _RAW)

_LEAVES = {
    "str": _texts("", "a", 5, None, {}),
    "int": st.one_of(_texts(0, 1, -5), _RAW),
    "float": st.one_of(_texts(0, 1.5, -2e300), _RAW),
    "bool": _texts(True, False, "", None),
    "Any": ANY,
    "dict": _texts({}, {"a": [1]}, [], 5),
    "list": _texts([], [1, "a"], {}, "x"),
    "List": _texts([], [1, None]),
    "Dict": _texts({}, {"a": 1}),
    "Tuple": _texts([], [1, "a"]),
    "set": _texts([], [1, 2, 2]),
    "frozenset": _texts(["a"]),
    "datetime": _texts("2024-01-01T10:00:00Z", "2024-01-01 10:00:00", "2024-01-01"),
    "date": _texts("2024-01-01", "20240101"),
    "time": _texts("10:00", "10:00:01.5"),
    "UUID": _texts("12345678-1234-5678-1234-567812345678", "{12345678123456781234567812345678}"),
    "Decimal": _texts("1.50", 2, 1.25, "NaN"),
    "Path": _texts("a/b", ""),
    "Color": _texts("red", "RED", "7", 7),
    "Level": _texts(0, 1, 1.0, True, False, "LOW", "1"),
    "Mixed": _texts(1, True, "word", "ONE", "WORD", "SAME"),
    "Lenient": ANY,
    "Bits": _texts(1, 3, "R"),
    "Shape": _texts({"side": 1}, []),
    "Cat": _texts({"kind": "cat"}, {"kind": "cat", "lives": "3", "more": 1}),
    "Tree": _texts({"value": 1}, {"value": "1", "children": [{"value": True, "children": []}]}),
    "Numbers": _texts([], [1, "2"], {}),
    "Names": _texts({}, {"a": "b"}),
    "Odd": ANY,
    "Initialised": _texts({}, {"a": "x"}),
}
LEAVES = [Kind(source, st.one_of(texts, ANY)) for source, texts in _LEAVES.items()]

_FIELD_LEAVES = {
    "int": _texts(1, "1", 1.0, True, "1.0"),
    "str": _texts("", "a"),
    "float": _texts(1, "1.5", False, "inf"),
    "bool": _texts(True, "yes", 0, 1.0, "off"),
    "Any": ANY,
    "None": _texts(None),
    "bytes": _texts("ab"),
    "date": _texts("2024-01-01", 1704067200, "1704067200"),
    "datetime": _texts("2024-01-01T10:00", 1704067200, 1.5, "2024-01-01"),
    "time": _texts("10:00", 3600, 1.5),
    "timedelta": _texts("P1D", 5, 1.5, "1 days 10:00"),
    "UUID": _texts("12345678-1234-5678-1234-567812345678"),
    "Decimal": _texts("1.5", 1, 1.5, True),
    "Path": _texts("a/b"),
    "AnyUrl": _texts("https://example.org/a"),
    "PostgresDsn": _texts("postgres://u:p@h:1/d"),
    "SecretStr": _texts("s"),
    "Json[List[int]]": _texts("[1]"),
    'Literal["a", "b"]': _texts("a"),
    'Literal[1, "x", True, None]': _texts(1, "x", True, None, 1.0),
    "Literal[Color.RED, 2]": _texts("red", 2),
    "Color": _texts("red", "7", 7, "RED"),
    "Level": _texts(0, 1, "1", True, 1.0),
    "Mixed": _texts(1, "word", "ONE", 1.0, True),
    "Lenient": ANY,
    "Bits": _texts(1, 3),
    "Shape": _texts({"side": "1"}, {"side": 1, "label": "a", "b": 1}),
    "Point": _texts({"x": "1"}, {"x": 1, "y": 2}, [1, 2]),
    "Cat": _texts({"kind": "cat"}),
    "Tree": _texts({"value": 1, "children": [{"value": "1"}]}),
    "Numbers": _texts([1], ["2"]),
    "Names": _texts({}, {"a": "b"}),
    "Odd": ANY,
    "Initialised": _texts({}, {"a": "x"}, []),
    "SecretValue": _texts({"value": "x"}, "x"),
    "Union[Cat, Dog]": _texts({"kind": "cat"}, {"kind": "dog", "good": 1}),
    'Annotated[Union[Cat, Dog], Field(discriminator="kind")]': _texts(
        {"kind": "cat"}, {"kind": "dog", "good": 1}
    ),
    "Annotated[int, Field(ge=1, lt=5)]": _texts(1, "1", 4.0, 5, True, "5"),
    "Annotated[float, Field(gt=0.1, le=2, multiple_of=0.5)]": _texts(0.5, "2", 2.0),
    "Annotated[float, Field(le=float('inf'), ge=Decimal('1'))]": _texts(1, 2.5),
    'Annotated[str, Field(min_length=2, max_length=3, pattern="^a+$")]': _texts("aa", "aaa", "aaaa"),
    "Annotated[str, StringConstraints(strip_whitespace=True, max_length=2, to_upper=True)]": _texts(
        "  a  ", "ß"
    ),
    "Annotated[List[int], Field(min_length=1, max_length=2)]": _texts([1], [1, "2"]),
    "Annotated[Set[int], Field(min_length=1, max_length=2)]": _texts([1, 1, 1, 2], [1]),
    "Annotated[Dict[str, int], Field(max_length=1)]": _texts({"a": 1}, {}),
    "Annotated[int, BeforeValidator(lambda value: 1)]": ANY,
    "Annotated[int, AfterValidator(lambda value: value)]": _texts(1, "1"),
    "Annotated[int, WrapValidator(lambda value, handler: 1)]": ANY,
    "Annotated[int, PlainValidator(lambda value: 1)]": ANY,
    "StrictInt": _texts(1),
    "StrictStr": _texts("a"),
    "PositiveInt": _texts(1, "1"),
    "EmailLike": _texts("a@b"),
    "Sequence[int]": _texts([1], "[1]"),
    "Iterable[int]": _texts([1]),
    "Mapping[str, int]": _texts({"a": "1"}),
    "Tuple[int, str]": _texts([1, "a"], ["1", "a"], [1]),
    "Tuple[int, ...]": _texts([], [1, "2"]),
    "FrozenSet[str]": _texts(["a", "a"]),
    "ByteSize": _texts(1, "1kb", 1.0),
    "Type[int]": _texts("int"),
    "Callable[..., int]": _texts("x"),
    "Pattern[str]": _texts("a+"),
    "FieldNumber": _texts(1, "1"),
}
FIELD_PRELUDE = """
EmailLike = Annotated[str, StringConstraints(pattern=".+@.+")]
FieldNumber = Annotated[int, Field(description="a number", examples=[1])]
"""
FIELD_LEAVES = [Kind(source, st.one_of(texts, texts, ANY)) for source, texts in _FIELD_LEAVES.items()]


def _array(item: SearchStrategy[str], shortest: int = 0, longest: int = 3) -> SearchStrategy[str]:
    return st.lists(item, min_size=shortest, max_size=longest).map(lambda items: f"[{','.join(items)}]")


def _object(value: SearchStrategy[str]) -> SearchStrategy[str]:
    names = st.sampled_from(['"a"', '"1"', '"red"', '""'])
    pairs = st.dictionaries(names, value, max_size=3)
    return pairs.map(lambda members: "{" + ",".join(f"{name}:{text}" for name, text in members.items()) + "}")


def _quoted(texts: SearchStrategy[str]) -> SearchStrategy[str]:
    """Sometimes the text inside of a string: what is nested is read from strings, too."""
    return st.one_of(texts, texts, texts.map(json.dumps))


def _composed(inner: SearchStrategy[Kind], *, bars: bool, lenient: bool) -> SearchStrategy[Kind]:
    nested = _quoted if lenient else lambda texts: texts

    def of_one(kind: Kind) -> SearchStrategy[Kind]:
        item = nested(kind.texts)
        made = [
            Kind(f"List[{kind.source}]", _array(item)),
            Kind(f"Dict[str, {kind.source}]", _object(item)),
            Kind(f"Dict[int, {kind.source}]", _object(item)),
            Kind(f"Set[{kind.source}]", _array(item)),
            Kind(f"Tuple[{kind.source}, ...]", _array(item)),
            Kind(f"Tuple[{kind.source}]", _array(item, 1, 1)),
            Kind(f"Optional[{kind.source}]", st.one_of(kind.texts, st.just("null"))),
        ]
        if bars:
            made += [Kind(f"{kind.source} | None", kind.texts), Kind(f"list[{kind.source}]", _array(item))]
        return st.sampled_from(made)

    def of_two(kinds: tuple[Kind, Kind]) -> SearchStrategy[Kind]:
        one, two = kinds
        pair = st.tuples(nested(one.texts), nested(two.texts)).map(lambda texts: f"[{texts[0]},{texts[1]}]")
        return st.sampled_from(
            [
                Kind(f"Union[{one.source}, {two.source}]", st.one_of(one.texts, two.texts)),
                Kind(f"Tuple[{one.source}, {two.source}]", pair),
                Kind(f"Union[{one.source}, {two.source}, None]", st.one_of(one.texts, two.texts)),
            ]
        )

    return st.one_of(inner.flatmap(of_one), st.tuples(inner, inner).flatmap(of_two))


def kinds(leaves: list[Kind], *, bars: bool, lenient: bool) -> SearchStrategy[Kind]:
    """Return annotations up to three levels deep."""
    return st.recursive(
        st.sampled_from(leaves), lambda inner: _composed(inner, bars=bars, lenient=lenient), max_leaves=4
    ).map(lambda kind: Kind(kind.source, st.one_of(kind.texts, kind.texts, kind.texts, ANY)))


_SETTINGS = [
    "",
    'extra="forbid"',
    "populate_by_name=True",
    'extra="forbid", populate_by_name=True',
    "str_strip_whitespace=True, str_max_length=3",
    "coerce_numbers_to_str=True",
    "strict=True",
    "use_enum_values=True, frozen=True",
]
_FIELDS = [
    "",
    " = None",
    ' = Field(alias="zz")',
    ' = Field(default=None, validation_alias="yy")',
    ' = Field(validation_alias=AliasChoices("xx", "ww", AliasPath("vv", "uu")))',
    ' = Field(validation_alias=AliasPath("vv", "uu"))',
    ' = Field(description="what it is", examples=[1], title="T")',
    " = Field(default_factory=list)",
]


@st.composite
def models(draw: st.DrawFn, *, bars: bool) -> tuple[str, Kind]:
    """Return the source of a model and its kind."""
    settings = draw(st.sampled_from(_SETTINGS))
    lines = ["class Model(BaseModel):", f"    model_config = ConfigDict({settings})"]
    members: list[tuple[SearchStrategy[str], SearchStrategy[str]]] = []
    extra = draw(st.sampled_from(["", "after", "before-field", "inherit"]))
    for name in draw(st.lists(st.sampled_from(["a", "b", "kind"]), unique=True, min_size=1, max_size=3)):
        kind = draw(kinds(FIELD_LEAVES, bars=bars, lenient=False))
        how = draw(st.sampled_from(_FIELDS))
        lines.append(f"    {name}: {kind.source}{how}")
        keys = [name, *(key for key in ("zz", "yy", "xx", "ww") if f'"{key}"' in how)]
        texts = st.one_of(kind.texts, kind.texts, kind.texts, ANY)
        members.append((st.sampled_from([keys[-1], *keys]), texts))
        if '"vv"' in how:
            members.append((st.just("vv"), kind.texts.map(lambda text: '{"uu":' + text + "}")))
        if extra == "before-field":
            lines += [
                f'    @field_validator("{name}", mode="before")',
                "    @classmethod",
                f"    def before_{name}(cls, value):",
                "        return value",
            ]
    if extra == "after":
        lines += ['    @model_validator(mode="after")', "    def check_it(self):", "        return self"]
    if extra == "inherit":
        lines += ["class Base(Model):", "    pass", "Model = Base"]
    pairs = st.tuples(*(st.one_of(st.none(), st.tuples(*member), st.tuples(*member)) for member in members))
    objects = pairs.map(
        lambda found: "{" + ",".join(f'"{pair[0]}":{pair[1]}' for pair in found if pair is not None) + "}"
    )
    return "\n".join(lines) + "\n", Kind("Model", objects)


_DEFAULTS = ["", "", "", " = None", " = 5"]


@st.composite
def signatures(draw: st.DrawFn, library: str) -> tuple[str, list[dict[str, str]]]:
    """Return a program's source and inputs for it, as texts by property."""
    bars = True
    source = PRELUDE.format(library=library) + FIELD_PRELUDE
    leaves = LEAVES
    if draw(st.booleans()):
        model, kind = draw(models(bars=bars))
        source += model
        leaves = [kind, kind, Kind("List[Model]", _array(_quoted(kind.texts)))]
    parameters: list[tuple[str, Kind, str]] = []
    for name in draw(st.lists(st.sampled_from(["data", "params", "c"]), unique=True, max_size=3, min_size=1)):
        kind = draw(st.one_of(st.sampled_from(leaves), kinds(leaves, bars=bars, lenient=True)))
        parameters.append((name, kind, draw(st.sampled_from(_DEFAULTS))))
        leaves = LEAVES
    listed = ", ".join(f"{name}: {kind.source}{default}" for name, kind, default in parameters)
    rest = draw(st.sampled_from(["", "", "", ", **kwargs", ", **kwargs: Any"]))
    source += f"def run(*, {listed}{rest}):\n    pass\n"
    inputs = []
    for _ in range(draw(st.integers(4, 10))):
        texts = {name: draw(kind.texts) for name, kind, _ in parameters if draw(st.integers(0, 9))}
        if not draw(st.integers(0, 4)):
            texts["kwargs" if rest else "more"] = draw(ANY)
        inputs.append(texts)
    return source, inputs
