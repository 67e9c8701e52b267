"""The requirement locks hold exactly what pyproject.toml asks for; `make lock` writes them."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cluster.settings import CHECKOUT

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
RUNTIME: list[str] = PROJECT["project"]["dependencies"]
DEVELOPMENT: list[str] = PROJECT["dependency-groups"]["dev"]


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [("requirements.lock", RUNTIME), ("requirements-dev.lock", [*RUNTIME, *DEVELOPMENT])],
)
def test_a_lock_fits_the_project(lock: str, wanted: list[str]) -> None:
    text = (CHECKOUT / lock).read_text()
    locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE))
    requirements = [Requirement(line) for line in wanted]
    for requirement in requirements:
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement
    # "via serviceexecution" marks what the project itself asks for.
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    direct = {block.partition("==")[0] for block in blocks if "pyproject.toml" in block}
    assert direct == {canonicalize_name(requirement.name) for requirement in requirements}


@pytest.mark.parametrize("lock", [f"requirements{part}.lock" for part in ("", "-dev", "-uv", "-go")])
def test_every_package_has_hashes_and_no_index_is_named(lock: str) -> None:
    text = (CHECKOUT / lock).read_text()
    assert "://" not in text
    blocks = [block for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE) if "==" in block]
    assert blocks
    assert all("--hash=sha256:" in block for block in blocks)
