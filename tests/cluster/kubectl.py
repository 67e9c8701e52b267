"""kubectl on the cluster of the tests."""

import json
import shutil
import subprocess

import pytest

from serviceexecution.contract.json_types import JsonObject


def kubectl(*arguments: str, stdin: JsonObject | None = None) -> subprocess.CompletedProcess[str]:
    """Runs kubectl as the cluster's administrator, who may act as anybody."""
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip('kubectl is not in PATH: eval "$(make -s env)" after `make up`')
    text = None if stdin is None else json.dumps(stdin)
    return subprocess.run([found, *arguments], input=text, capture_output=True, text=True, check=False)


def must(*arguments: str, stdin: JsonObject | None = None) -> str:
    done = kubectl(*arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout
