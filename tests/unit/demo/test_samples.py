"""The samples that the demo applies."""

from pathlib import Path

import pytest

from demo.errors import DemoError
from demo.gateway import forwarded_port
from demo.samples import EXECUTION, SAMPLES, access_manifests, kind_of, name_of, read_manifests


def test_the_demo_can_apply_its_samples() -> None:
    prepared = read_manifests(SAMPLES / "sum-prepare.yaml")
    (execution,) = read_manifests(SAMPLES / "sum.yaml")
    assert [kind_of(manifest).plural for manifest in prepared] == [
        "secrets",
        "persistentvolumeclaims",
        "jobs",
    ]
    assert kind_of(execution).plural == "serviceexecutions"
    assert name_of(execution) == EXECUTION


def test_readers_get_no_more_than_the_role_view() -> None:
    (role,) = (item["roleRef"] for item in access_manifests() if item["kind"] == "RoleBinding")
    assert role == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("a: [", "not valid YAML"), ("kind: Pod", "cannot apply"), ("- list", "cannot apply")],
)
def test_a_broken_sample_is_an_error(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "sample.yaml"
    path.write_text(text)
    with pytest.raises(DemoError, match=sentence):
        read_manifests(path)


def test_a_missing_sample_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="cannot be read: No such file"):
        read_manifests(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("line", "port"),
    [("Forwarding from 127.0.0.1:38383 -> 8080", 38383), ("Forwarding from [::1]:38383 -> 8080", None)],
)
def test_the_forwarded_port_is_read(line: str, port: int | None) -> None:
    assert forwarded_port(line) == port
