"""Prometheus itself on the chart's alerts: what it makes of the file, and when each fires."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools import ROOT
from tools.chart.install_manifest import CHART
from tools.monitoring.rules import RULES_FILE

SERIES = Path(__file__).parent / "alerts.yaml"
HOW = (
    "promtool is not in PATH: go install github.com/prometheus/prometheus/cmd/promtool@v0.316.0, some minutes"
)


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip(HOW)
    return found


@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", ROOT / CHART / RULES_FILE), ("test", "rules", SERIES)],
    ids=lambda words: words[0],
)
def test_prometheus_takes_the_alerts(promtool: str, arguments: tuple[str | Path, ...]) -> None:
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
