"""The short form of ``make floods``: while one namespace attacks, nothing of another's fails, and no process dies."""

import json
import os
import subprocess
import sys

import pytest

from tools import ROOT

ATTACKS = ["unknown ids", "slow schemas", "large bodies", "unfinished commits", "bad tokens", "connections"]


@pytest.mark.alone
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("turn", "operator", "gateway")
def test_a_flood_fails_nothing_of_another_namespace(tmp_path, figure):
    output = tmp_path / "floods.json"
    only = [word for name in ATTACKS for word in ("--only", name)]
    command = [sys.executable, "-m", "benchmarks.floods", *only, "--seconds", "4", "--output", str(output)]
    paths = os.pathsep.join([str(ROOT / "operator"), str(ROOT)])
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert output.exists(), done.stdout + done.stderr
    found = json.loads(output.read_text())
    assert [one["attack"] for one in found] == ATTACKS
    for one in found:
        figure(f"flood of {one['attack']}: p99 quiet and flooded in ms {one['p99Milliseconds']}")
    # how much slower the witness is says little in four seconds; `make floods` measures that
    assert [(one["failures"], one["restarts"]) for one in found] == [({}, 0)] * len(ATTACKS), done.stdout
