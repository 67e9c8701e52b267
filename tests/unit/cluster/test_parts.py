"""What a cluster is made of, and how far its building is."""

from pathlib import Path

import pytest

from cluster.images.catalogue import BUILDER_IMAGE, COLLECTOR_IMAGE, OPERATOR_IMAGE, catalogue
from cluster.images.outlook import Outlook, about
from cluster.settings import CHECKOUT


def test_a_lean_cluster_has_what_the_demo_runs(tmp_path: Path) -> None:
    images = catalogue(tmp_path)
    lean = {name for name, one in images.items() if one.for_executions}
    samples = "".join(path.read_text() for path in (CHECKOUT / "manifests" / "samples").glob("sum*.yaml"))
    used = {line.split()[1] for line in samples.splitlines() if line.strip().startswith("image:")}
    assert used | {OPERATOR_IMAGE, COLLECTOR_IMAGE} <= lean
    assert BUILDER_IMAGE not in lean
    assert all(base in lean for name in lean for base in images[name].bases)


def test_what_is_left_follows_how_long_the_parts_took_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    outlook = Outlook({"kubernetes": 400, "etcd": 100, "python": 100})
    outlook.begin()
    assert outlook.left(0) == 600
    outlook.done("etcd")
    assert outlook.left(50) == 250, "twice as fast as on two cores"
    outlook.done("kubernetes")
    outlook.done("python")
    assert outlook.left(500) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "  to build, once: 3 parts, about 10 minutes on two cores"


def test_little_that_is_left_is_not_worth_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    outlook = Outlook({"pause": 5})
    outlook.begin()
    outlook.done("pause")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "about 5 seconds"), (62, "about 60 seconds"), (100, "about 2 minutes"), (450, "about 8 minutes")],
)
def test_estimates_are_round(seconds: float, text: str) -> None:
    assert about(seconds) == text
