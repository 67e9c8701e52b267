"""Whatever the library takes fits the schema that we make of the signature."""

import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.schemas.rules import SCHEMA_LIMIT
from serviceexecution.schemas.worker import answer
from tests.launcher.conftest import library_python
from tests.support.launcher.cases import LIBRARIES, TABLE
from tests.support.launcher.converters import ConverterProcess
from tests.support.launcher.signatures import PRELUDE, signatures

EXAMPLES = int(os.environ.get("SX_LAUNCHER_EXAMPLES", "150"))
"""Signatures for each library; a change of the schemas deserves some thousands."""

warnings.simplefilter("ignore", HypothesisWarning)


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request: pytest.FixtureRequest, launcher: Path) -> Iterator[tuple[str, ConverterProcess]]:
    name = str(request.param)
    with ConverterProcess(library_python(f"{name}-commons"), launcher, name) as process:
        yield name, process


def test_schemas_of_generated_signatures_take_what_the_library_takes(
    library: tuple[str, ConverterProcess],
) -> None:
    name, process = library
    accepted = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES == 150,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(st.deferred(lambda: signatures(name)))
    def check(case: tuple[str, list[dict[str, str]]]) -> None:
        nonlocal accepted
        accepted += _check(process, *case)

    check()
    assert accepted > EXAMPLES


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("Dict[str, Any]", '{"values": [1, 2, 3], "deep": {"a": null}}'),
        ("List[int]", '[1, "2"]'),
        ("Union[int, List[str]]", '["a", 1]'),
        ("Optional[int]", "null"),
        ("Optional[int]", '"no number"'),
        ("Set[datetime]", '["2024-01-01T00:00:00Z"]'),
        ("UUID", '"12345678-1234-5678-1234-567812345678"'),
        ("Any", "5"),
        ("str", "{}"),
        ("bool", "null"),
        ("dict", "[]"),
        ("float", "1e400"),
        ("int", "123456789012345678901234567890"),
        ("Level", "true"),
        ("Tree", '{"value": "1", "children": [{"value": 2.0}]}'),
        ("List[Tree]", '["{\\"value\\": 1}"]'),
        ("Optional[DataPool]", "{}"),
    ],
)
def test_what_the_librarys_own_schema_refuses(
    library: tuple[str, ConverterProcess], annotation: str, text: str
) -> None:
    name, process = library
    source = PRELUDE.format(library=name) + f"def run(x: {annotation}): pass\n"
    assert _check(process, source, [{"x": text}]) == 1


def test_what_may_be_left_out(library: tuple[str, ConverterProcess]) -> None:
    name, process = library
    source = PRELUDE.format(library=name) + (
        "class Empty(BaseModel):\n    a: int = 1\n"
        "def run(a: Optional[int], b: Empty, s: Optional[SecretValue], c: int = 1, **kwargs): pass\n"
    )
    assert _check(process, source, [{}, {"other": "1"}]) == 2


def test_secrets_are_no_properties(library: tuple[str, ConverterProcess]) -> None:
    name, process = library
    source = PRELUDE.format(library=name) + (
        "def run(data: dict, token: SecretValue, other: Optional[SecretValue], pool: DataPool): pass\n"
    )
    schema = process.ask(source, [])["schema"]
    assert set(schema["properties"]) == {"data", "pool"}
    assert schema["required"] == ["data"]
    assert schema["x-secrets"] == [{"name": "token", "required": True}, {"name": "other", "required": False}]
    assert schema["x-data-pools"] == [{"name": "pool", "required": True}]
    assert not _fits(schema, '{"data": {}, "pool": {"id": "a"}}')
    assert _fits(schema, '{"data": {}, "pool": {"id": "a", "ref": "datapool", "grant": "x.y.z"}}')


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("int", '"five"'),
        ("float", "null"),
        ("List[float]", "{}"),
        ("Dict[str, int]", "[]"),
        ("Tuple[int, int]", "[1]"),
        ("datetime", "5"),
        ("Color", '"green"'),
        ("Cat", "{}"),
        ("Tree", '{"value": {}}'),
        ("Tree", '{"value": 1, "children": [{}]}'),
    ],
)
def test_schemas_refuse_what_the_library_refuses(
    library: tuple[str, ConverterProcess], annotation: str, text: str
) -> None:
    """The schemas are not empty: they find what would fail."""
    name, process = library
    answered = process.ask(PRELUDE.format(library=name) + f"def run(x: {annotation}): pass\n", [{"x": text}])
    assert answered["accepted"] == [False]
    assert not _fits(answered["schema"], f'{{"x": {text}}}')


def test_a_large_model_has_a_short_schema(library: tuple[str, ConverterProcess]) -> None:
    name, process = library
    fields = "".join(
        f"    field_{number}: List[Tree] = Field(description='{'x' * 200}')\n" for number in range(200)
    )
    source = PRELUDE.format(library=name) + f"class Large(BaseModel):\n{fields}def run(x: Large): pass\n"
    schema = process.ask(source, [])["schema"]
    assert len(json.dumps(schema)) < SCHEMA_LIMIT / 2
    assert schema["properties"]["x"] == {"type": "object"}
    assert schema["required"] == ["x"]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_inputs_of_the_table_s_programs_fit_their_schemas(
    library: tuple[str, ConverterProcess], case: object
) -> None:
    """Programs that succeed have a schema that takes their input."""
    name, process = library
    row = next(row for row in TABLE if row is case)
    if (
        row.outcome(name).exit_code
        or name not in row.libraries
        or row.entry_point
        or row.secrets
        or row.pools
    ):
        return
    source = row.program.replace("LIBRARY", name)
    texts = {property_: json.dumps(value) for property_, value in row.input.items()}
    assert _check(process, source, [texts]) == 1


def _check(process: ConverterProcess, source: str, inputs: list[dict[str, str]]) -> int:
    """Return how many inputs the library takes, all of which must fit."""
    answered = process.ask(source, inputs)
    if "broken" in answered:
        return 0
    accepted = [texts for texts, taken in zip(inputs, answered["accepted"], strict=True) if taken]
    for texts in accepted:
        body = "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in texts.items()) + "}"
        assert _fits(answered["schema"], body), (source, body, answered["schema"])
    return len(accepted)


def _fits(schema: JsonObject, text: str) -> bool:
    """Tell what the gateway would say."""
    return answer(schema, text) == {"faults": []}
