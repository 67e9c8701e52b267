import json
from pathlib import Path

from src.program import Data, Params, run

EXAMPLE = json.loads((Path(__file__).parent.parent / "input.json").read_text())


def test_the_example() -> None:
    result = run(Data(**EXAMPLE["data"]), Params(**EXAMPLE["params"]))
    assert result.sum == 8


def test_values_are_added_as_they_are() -> None:
    assert run(Data(values=[1, 2.5]), Params()).sum == 3.5
