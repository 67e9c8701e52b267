"""The choice of a Kubernetes for the embedded cluster, and what differs between minors."""

import shutil
from pathlib import Path

import pytest
import yaml

from cluster.__main__ import main
from cluster.errors import LauncherError
from cluster.images import binaries
from cluster.images.binaries import PROGRAMS, build_all, exact_version, program_hash
from cluster.images.kubernetes_module import module_text
from cluster.kubernetes_versions import DEFAULT, OLDEST, asked_version, fits, kept_version, record_version
from cluster.node.configuration import render
from cluster.node.network import Link
from cluster.node.places import first_place
from cluster.settings import CHECKOUT, Instance, shape

KUBERNETES = next(one for one in PROGRAMS if one.name == "kubernetes")


@pytest.mark.parametrize(
    "text", ["1", "2.0", "1.31.", "v1.31", "1.031", "1.31.14-rc.0", "1.31 ", "1.²", "1" * 5000]
)
def test_what_is_no_version_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(
        LauncherError, match=r"SX_KUBERNETES is .* a version such as 1\.31 or 1\.31\.14"
    ) as caught:
        shape({"SX_KUBERNETES": text})
    assert len(str(caught.value)) < 200


def test_a_version_below_the_charts_is_refused_before_anything_is_built() -> None:
    with pytest.raises(LauncherError, match=r"'1\.30\.14', but the operator needs Kubernetes 1\.31 or newer"):
        shape({"SX_KUBERNETES": "1.30.14"})


def test_a_minor_or_a_release_can_be_asked_for() -> None:
    assert [asked_version(text) for text in ("", "1.31", "1.37.2")] == [None, "1.31", "1.37.2"]


def test_the_oldest_minor_is_the_charts() -> None:
    chart = yaml.safe_load((CHECKOUT / "charts/serviceexecution/Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={OLDEST[0]}.{OLDEST[1]}.0-0"


def test_the_default_is_the_pinned_module() -> None:
    assert f"k8s.io/kubernetes v{DEFAULT}\n" in (KUBERNETES.directory / "go.mod").read_text()


def test_a_cluster_keeps_its_version(tmp_path: Path) -> None:
    state = tmp_path / "second"
    assert kept_version(state, "1.31") is None, "there is none yet"
    record_version(state, "1.31.14")
    assert kept_version(state, None) is None, "it was not made yet"
    (state / "link.json").touch()
    assert {kept_version(state, asked) for asked in (None, "1.31", "1.31.14")} == {"1.31.14"}
    with pytest.raises(
        LauncherError, match=r"'second' is one of Kubernetes 1\.31\.14, not 1\.37, .* `make down`"
    ):
        kept_version(state, "1.37")


def test_a_cluster_that_was_made_without_a_choice_has_the_default(tmp_path: Path) -> None:
    (tmp_path / "link.json").touch()
    assert kept_version(tmp_path, None) == DEFAULT
    assert kept_version(tmp_path, DEFAULT.rpartition(".")[0]) == DEFAULT
    with pytest.raises(LauncherError, match=f"Kubernetes {DEFAULT}, not 1.31.14"):
        kept_version(tmp_path, "1.31.14")


def test_a_minor_does_not_fit_another_that_begins_like_it() -> None:
    assert fits("1.31.14", "1.31")
    assert not fits("1.31.14", "1.3")
    assert not fits("1.31.14", "1.31.1")


def test_each_version_has_its_own_program() -> None:
    hashes = set()
    for version in (DEFAULT, "1.31.14", "1.37.2"):
        (program,) = (one for one in binaries.programs(version) if one.name == "kubernetes")
        hashes.add(program_hash(program))
        assert f"-X k8s.io/component-base/version.gitVersion=v{version}" in program.link_flags
    assert len(hashes) == 3
    assert binaries.programs(DEFAULT) == PROGRAMS
    assert [one for one in binaries.programs("1.31.14") if one.name != "kubernetes"] == [
        one for one in PROGRAMS if one.name != "kubernetes"
    ]


def test_the_libraries_of_a_version_are_its_published_modules() -> None:
    text = module_text(
        {
            "Go": "1.22.0",
            "Godebug": [{"Key": "default", "Value": "go1.22"}],
            "Require": [
                {"Path": "github.com/spf13/cobra", "Version": "v1.8.1"},
                {"Path": "k8s.io/api", "Version": "v0.0.0"},
            ],
            "Replace": [
                {"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}},
                {"Old": {"Path": "example.com/a"}, "New": {"Path": "example.com/b", "Version": "v1.0.0"}},
            ],
        },
        "1.31.14",
    )
    assert text.splitlines() == [
        "module serviceexecution.dev/cluster/kubernetes",
        "",
        "go 1.22.0",
        "",
        "godebug default=go1.22",
        "replace k8s.io/api => k8s.io/api v0.31.14",
        "replace example.com/a => example.com/b v1.0.0",
        "require (",
        "\tgithub.com/spf13/cobra v1.8.1",
        "\tk8s.io/api v0.0.0",
        "\tk8s.io/kubernetes v1.31.14",
        ")",
    ]


GO = """\
#!/bin/sh
echo "$*" >> "$0.calls"
case "$1 $2" in
  "list -m") case "$*" in
    *@v1.31) echo v1.31.14 ;;
    *@v1.38) echo v1.38.0-alpha.1 ;;
    *) echo "go: k8s.io/kubernetes@v1.99: invalid version: unknown revision v1.99" >&2; exit 1 ;;
  esac ;;
  "mod download") echo '{"GoMod": "/of/kubernetes.mod"}' ;;
  "mod edit") echo '{"Go": "1.22.0", "Require": [{"Path": "k8s.io/api", "Version": "v0.0.0"}]}' ;;
  "build "*)
    while [ "$1" != -o ]; do shift; done
    cat go.mod main.go > "$2" ;;
esac
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `go` that knows one release of 1.31, and writes down what it is called with."""
    program = tmp_path / "go"
    program.write_text(GO)
    program.chmod(0o755)
    monkeypatch.setattr(binaries, "go_program", lambda cache: str(program))
    return program


def calls(go: Path) -> list[str]:
    file = go.with_name("go.calls")
    return file.read_text().splitlines() if file.exists() else []


def test_a_minor_is_its_newest_release(go: Path, tmp_path: Path) -> None:
    assert exact_version(tmp_path, "1.31") == "1.31.14"


def test_the_pinned_version_is_not_looked_up(go: Path, tmp_path: Path) -> None:
    assert exact_version(tmp_path, DEFAULT) == DEFAULT
    assert exact_version(tmp_path, DEFAULT.rpartition(".")[0]) == DEFAULT
    assert calls(go) == []


def test_a_version_that_there_is_not_is_said_to_be_none(go: Path, tmp_path: Path) -> None:
    with pytest.raises(
        LauncherError, match=r"Kubernetes 1\.99 cannot be had .*(?s:.)*unknown revision v1\.99"
    ):
        exact_version(tmp_path, "1.99")
    with pytest.raises(
        LauncherError, match=r"Kubernetes 1\.38 has no release yet, the newest is 1\.38\.0-alpha\.1"
    ):
        exact_version(tmp_path, "1.38")


def test_another_version_is_built_from_its_module_once(
    go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2**40, 0, 2**40))
    directory = build_all(tmp_path, ("kubernetes",), kubernetes="1.31.14")
    built = (directory / "kubelet").read_text()
    assert "k8s.io/kubernetes v1.31.14" in built
    assert "func main()" in built
    assert any("-mod=mod" in call and "gitVersion=v1.31.14" in call for call in calls(go))
    assert list((tmp_path / "programs").iterdir()) == [(directory / "kubelet").resolve()], (
        "the module is gone"
    )
    count = len(calls(go))
    assert build_all(tmp_path, ("kubernetes",), kubernetes="1.31.14") == directory
    assert exact_version(tmp_path, "1.31.14") == "1.31.14"
    assert len(calls(go)) == count


def test_the_kubelet_gets_only_settings_that_its_minor_knows() -> None:
    state = Path("/var/lib/serviceexecution/embedded")
    place = first_place(Instance("embedded", state), Link(host="10.213.0.1", node="10.213.0.2"))

    def kubelet(version: str) -> dict[str, object]:
        files = render(state, place, pause_image="localhost/p:1", kubernetes=version)
        found: dict[str, object] = yaml.safe_load(files["kubelet.yaml"])
        return found

    policy = "imagePullCredentialsVerificationPolicy"
    assert {
        version: kubelet(version).get(policy) for version in ("1.31.14", "1.34.2", "1.35.0", DEFAULT)
    } == {
        "1.31.14": None,
        "1.34.2": None,
        "1.35.0": "NeverVerify",
        DEFAULT: "NeverVerify",
    }


@pytest.mark.parametrize("kind", ["kind", "current"])
def test_other_kinds_of_cluster_have_a_version_of_their_own(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLUSTER", kind)
    monkeypatch.setenv("SX_KUBERNETES", "1.31")
    monkeypatch.setattr("sys.argv", ["cluster", "up"])
    assert main() == 1
    assert (
        f"SX_KUBERNETES chooses the version of CLUSTER=embedded, and CLUSTER={kind}"
        in capsys.readouterr().err
    )
