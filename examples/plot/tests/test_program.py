import json
from pathlib import Path

import pytest
from src import program
from src.program import Params, Points, run

EXAMPLE = json.loads((Path(__file__).parent.parent / "input.json").read_text())


def test_the_example(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "OUTPUT", tmp_path)
    fit = run(Points(**EXAMPLE["data"]), Params(**EXAMPLE["params"]))
    assert fit.coefficients[0] == pytest.approx(2, abs=0.1)
    assert fit.r_squared > 0.99
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_too_few_points():
    with pytest.raises(ValueError, match="too few"):
        run(Points(x=[0, 1], y=[0, 1]), Params(degree=2))
