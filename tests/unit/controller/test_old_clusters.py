"""The oldest Kubernetes that the operator works on."""

import yaml

from serviceexecution.controller.main import OLDEST_KUBERNETES, too_old
from tools import ROOT


def test_an_older_cluster_is_told_what_fails_and_what_to_do() -> None:
    said = too_old((1, 30))
    assert said is not None
    assert said.startswith("this cluster has Kubernetes 1.30, and the operator needs 1.31 or newer")
    assert said.endswith("upgrade the cluster")


def test_a_cluster_that_is_new_enough_or_says_no_version_is_told_nothing() -> None:
    assert [too_old(version) for version in ((1, 31), (1, 37), (2, 0), (0, 0))] == [None] * 4


def test_the_oldest_is_the_charts() -> None:
    chart = yaml.safe_load((ROOT / "charts/serviceexecution/Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={OLDEST_KUBERNETES[0]}.{OLDEST_KUBERNETES[1]}.0-0"
