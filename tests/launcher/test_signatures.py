"""The verdict on a signature is what the library does: what is refused cannot work, what works is not refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.launcher.conftest import library_python
from tests.support.launcher.cases import LIBRARIES, TABLE
from tests.support.launcher.converters import ConverterProcess
from tests.support.launcher.signatures import LEAVES, PRELUDE

TEXTS = ["5", '"a"', "true", "null", "{}", "[]", '["a", 1]', '{"x": 1}', "1.5"]


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request: pytest.FixtureRequest, launcher: Path) -> Iterator[tuple[str, ConverterProcess]]:
    name = str(request.param)
    with ConverterProcess(library_python(f"{name}-commons"), launcher, name) as process:
        yield name, process


def ask(library: tuple[str, ConverterProcess], function: str, *, first: str = "") -> dict[str, Any]:
    """Return the answer on a function, tried without ``x`` and with many values of it."""
    name, process = library
    return process.ask(
        first + PRELUDE.format(library=name) + function, [{}, *({"x": text} for text in TEXTS)]
    )


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("def run(x): pass", "has no annotation; write one"),
        ('def run(x: "dict"): pass', "an annotation that is only a text"),
        ("def run(x: object): pass", "write Any"),
        ('def run(x: Literal["a", "b"]): pass', "write an Enum"),
        ("def run(x: Annotated[int, 5]): pass", "write int, or a Pydantic model"),
        ("def run(x: Point): pass", "write a Pydantic model"),
        ("def run(x: tuple): pass", "write Tuple"),
        ("def run(x: Mapping[str, int]): pass", "write Dict[…]"),
        ("def run(x: Sequence[int]): pass", "write Dict[…] or List[…]"),
        ("def run(x: None): pass", "write the type of the value"),
        ('def run(x: TypeVar("T")): pass', "write the type that it stands for"),
        ('def run(x: NewType("N", int)): pass', "write the type that it stands for"),
        ("def run(x: bytes): pass", "write dict, list, str"),
        ("def run(x: Callable[[], int]): pass", "write "),
        ("def run(x: Union[bytes, Literal[1]]): pass", "does not convert"),
    ],
)
def test_a_signature_that_cannot_work_is_named(
    library: tuple[str, ConverterProcess], function: str, part: str
) -> None:
    found = ask(library, function)
    assert part in found["fault"]
    assert found["fault"].startswith('The parameter "x" of run() has ')
    assert not any(found["accepted"])


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("def run(x: int, /): pass", "positional-only"),
        ("def run(x: int = 5, /): pass", "positional-only"),
        ("async def run(x: int): pass", "write def, and asyncio.run"),
        ("async def run(x: int):\n    yield 1", "write def, and asyncio.run"),
        ("def run(x: int):\n    yield 1", "return a list"),
        ('def run(x: "int" = 5): pass', "only a text"),
        ('def run(x: Optional[Literal["a"]] = None): pass', "lost without a word"),
        ("def run(x: Optional[Point]): pass", "lost without a word"),
        ("def run(x: List[Point]): pass", "write a Pydantic model"),
        ('def run(x: Dict[str, Literal["a"]]): pass', "write an Enum"),
        ("def run(x: List[DataPool]): pass", "does not convert"),
    ],
)
def test_what_is_called_but_does_not_do_what_it_says(
    library: tuple[str, ConverterProcess], function: str, part: str
) -> None:
    assert part in ask(library, function)["fault"]


def test_the_future_import_of_annotations_is_refused(library: tuple[str, ConverterProcess]) -> None:
    found = ask(library, "def run(x: Dict[str, Any]): pass", first="from __future__ import annotations\n")
    assert "remove `from __future__ import annotations`" in found["fault"]
    assert not any(found["accepted"])


@pytest.mark.parametrize(
    "function",
    [
        "def run(): pass",
        "def run(*, x: int): pass",
        "def run(x=5): pass",
        "def run(x: object = None): pass",
        "def run(*args): pass",
        "def run(**kwargs): pass",
        "def run(x: Union[int, Point]): pass",
        "def run(token: SecretValue = None, x: int = 5, other: Optional[SecretValue] = None): pass",
        "def run(pool: Optional[DataPool], x: dict = {}): pass",
        "class Callable_:\n    def __call__(self, x: int): pass\nrun = Callable_()",
        "import functools\ndef go(x: int, y: int): pass\nrun = functools.partial(go, y=5)",
        *(f"def run(x: {leaf.source}): pass" for leaf in LEAVES),
    ],
)
def test_a_signature_that_works_has_no_fault(library: tuple[str, ConverterProcess], function: str) -> None:
    assert ask(library, function)["fault"] is None


@pytest.mark.parametrize("function", ["def run(x=5): pass", "def run(x: object = None): pass"])
def test_a_parameter_that_can_only_have_its_default(
    library: tuple[str, ConverterProcess], function: str
) -> None:
    found = ask(library, function)
    assert found["accepted"] == [True, *(False for _ in TEXTS)]
    assert found["schema"]["properties"]["x"]["not"] == {}
    (note,) = found["notes"]
    assert note.startswith('The parameter "x" of run() can only have its default: ')


def test_unions_with_a_bar(library: tuple[str, ConverterProcess]) -> None:
    name, _ = library
    found = ask(library, "def run(x: int | None = None): pass")
    assert found["fault"] is None
    assert bool(found["notes"]) is (name == "planqk")
    required = ask(library, "def run(x: int | list): pass")
    secret = ask(library, "def run(x: SecretValue | None = None): pass")
    if name == "qhub":
        assert required["fault"] is None
        assert secret["fault"] is None
    else:
        assert "write Optional[…] or Union[…]" in required["fault"]
        assert "lost without a word" in secret["fault"]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_signatures_of_the_table_s_programs_have_no_fault(
    library: tuple[str, ConverterProcess], case: object
) -> None:
    name, _ = library
    row = next(row for row in TABLE if row is case)
    if name in row.libraries and "def run" in row.program and " raise RuntimeError('bad" not in row.program:
        found = library[1].ask(row.program.replace("LIBRARY", name), [])
        assert found.get("fault") is None
