"""The pages on security name files, tests and values that exist."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "operator" / "serviceexecution"
VALUES = yaml.safe_load((ROOT / "charts/serviceexecution/values.yaml").read_text())
LIMITS = (ROOT / "docs/limits.md").read_text()
SECURITY = (ROOT / "docs/security.md").read_text()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([a-z_/]+(?:\.py|/))`", LIMITS))))
def test_a_limit_is_set_where_the_page_says(name):
    assert (PACKAGE / name).exists() or (ROOT / name).exists()


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`((?:auth|builds|executions)\.[A-Za-z.]+)`", LIMITS)))
)
def test_a_value_of_the_chart_is_there(name):
    found = VALUES
    for part in name.split("."):
        assert part in found, name
        found = found[part]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(?:[a-z/]*/)?(test_[a-z_]+\.py)", SECURITY))))
def test_a_test_of_the_threat_model_is_there(name):
    assert list((ROOT / "tests").rglob(name))
