"""What controller and gateway import when they start: only what the operator's image holds."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
ABSENT = {"kubernetes", "requests", "rich", "pygments"}
"""Packages of the checkout's environment that the image does not have."""
PROGRAM = f"""
import sys
from importlib.abc import MetaPathFinder


class Absent(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(name=name)


sys.meta_path.insert(0, Absent())
import serviceexecution.%s.main
"""


def python(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in an interpreter of its own, from which the checkout's packages can be imported."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(CHECKOUT / "operator")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("room", ["controller", "gateway"])
def test_a_process_starts_with_what_the_image_has(room):
    done = python(PROGRAM % room)
    assert done.returncode == 0, done.stderr


def test_the_gateway_does_not_import_the_kubernetes_package_where_it_is_installed():
    # The controller's case is the one above: Kopf itself imports the package where it finds it.
    done = python("import serviceexecution.gateway.main, sys; print('kubernetes' in sys.modules)")
    assert done.stdout == "False\n", done.stderr


def test_the_image_has_no_kubernetes_package():
    locked = re.findall(r"(?m)^([a-z0-9-]+)==", (CHECKOUT / "requirements.lock").read_text())
    assert "kopf" in locked
    assert not {"kubernetes", "requests"} & set(locked)
