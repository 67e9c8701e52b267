"""Renders the chart as Helm does."""

import functools
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from typing_extensions import override

from tools import ROOT
from tools.chart.install_manifest import CHART

Manifest = dict[str, Any]
EVERYTHING = f"{CHART}/ci/everything-values.yaml"
LARGE = ("mode=large", "store.url=s3://bucket", "store.clusterId=one")
REGISTRY = ("builds.registry.address=registry.example.com/services",)
IN_CLUSTER = ("builds.registry.inCluster.enabled=true",)


class ChartRefusedError(Exception):
    """Helm refused the values; the text is its error output."""


@pytest.fixture(scope="session")
def helm() -> str:
    found = shutil.which("helm")
    if found is None:
        pytest.skip(
            'helm is not in PATH: eval "$(make -s env)" after `make up`, or install Helm 3.19 or newer'
        )
    return found


@pytest.fixture(scope="session")
def render(helm: str) -> Callable[..., list[Manifest]]:
    """Returns the objects that the chart makes of ``sets`` (key=value) and a file of values."""

    @functools.cache
    def text(sets: tuple[str, ...], values: str | None, release: str) -> str:
        command = [helm, "template", release, CHART, "--namespace", "system", "--kube-version", "1.31.0"]
        command += [part for setting in sets for part in ("--set", setting)]
        command += [] if values is None else ["--values", values]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ChartRefusedError(done.stderr)
        return done.stdout

    def run(*sets: str, values: str | None = None, release: str = "sx") -> list[Manifest]:
        rendered = text(sets, values, release)
        return [document for document in yaml.load_all(rendered, Loader=NoDuplicates) if document]

    return run


@pytest.fixture(scope="session")
def refused(render: Callable[..., list[Manifest]]) -> Callable[..., str]:
    """Return what gives the sentence with which the chart refuses values."""

    def run(*sets: str) -> str:
        with pytest.raises(ChartRefusedError) as caught:
            render(*sets)
        return str(caught.value)

    return run


class NoDuplicates(yaml.CSafeLoader):
    """Refuses a key given twice: server-side apply, and so Helm 4, does."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, f"line {node.start_mark.line}: given twice: {twice}"
        return super().construct_mapping(node, deep)


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (m for m in of_kind(manifests, kind) if m["metadata"]["name"] == name)
    return found


def environment(container: Manifest) -> dict[str, Any]:
    """Values of variables by their names; None of those that are references."""
    names = [variable["name"] for variable in container["env"]]
    assert len(names) == len(set(names))
    return {variable["name"]: variable.get("value") for variable in container["env"]}
