"""The Go module of a Kubernetes that is not the pinned one: made from what Kubernetes' own go.mod requires."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypedDict

from cluster.commands import run
from cluster.errors import LauncherError
from cluster.images.go_tool import SOURCES, go_environment

MAIN: Final = SOURCES / "kubernetes" / "main.go"
_MODULE: Final = "k8s.io/kubernetes"


class _Version(TypedDict, total=False):
    """A module as `go mod edit -json` shows it; without a version it is a directory."""

    Path: str
    Version: str


class _Replacement(TypedDict):
    Old: _Version
    New: _Version


class _GoMod(TypedDict, total=False):
    """What we read of `go mod edit -json`."""

    Go: str
    Godebug: Sequence[Mapping[str, str]] | None
    Require: Sequence[_Version]
    Replace: Sequence[_Replacement] | None


def resolve(go: str, asked: str) -> str:
    """Return the exact version for 1.31 (its newest patch release that the module proxy knows) or 1.31.14.

    Raises LauncherError when there is none, or the proxy does not answer.
    """
    argv = [go, "list", "-m", "-f", "{{.Version}}", f"{_MODULE}@v{asked}"]
    try:
        version = run(argv, what=f"Looking up {_MODULE}@v{asked}", environment=go_environment()).strip()
    except LauncherError as error:
        raise LauncherError(
            f"Kubernetes {asked} cannot be had from the Go module proxy that this machine uses; "
            f"is there such a release?\n{error}"
        ) from error
    if "-" in version:
        raise LauncherError(
            f"Kubernetes {asked} has no release yet, the newest is {version.removeprefix('v')}."
        )
    return version.removeprefix("v")


def write_module(go: str, version: str, directory: Path) -> None:
    """Write the module that builds that version into the directory; `go build -mod=mod` adds the sums.

    Raises LauncherError when Kubernetes cannot be fetched.
    """
    what = f"Fetching {_MODULE}@v{version}"
    fetched = json.loads(
        run(
            [go, "mod", "download", "-json", f"{_MODULE}@v{version}"], what=what, environment=go_environment()
        )
    )
    own: _GoMod = json.loads(run([go, "mod", "edit", "-json", fetched["GoMod"]], what=what))
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / "go.mod").write_text(module_text(own, version))
    shutil.copy(MAIN, directory / "main.go")


def module_text(own: _GoMod, version: str) -> str:
    """Return the go.mod of a program that is built of Kubernetes' own requirements.

    In Kubernetes' repository its libraries are directories, and go.mod says so; published they are modules v0.x.y.
    """
    published = f"v0.{version.partition('.')[2]}"
    lines = ["module serviceexecution.dev/cluster/kubernetes", "", f"go {own['Go']}", ""]
    lines += [f"godebug {one['Key']}={one['Value']}" for one in own.get("Godebug") or ()]
    for one in own.get("Replace") or ():
        old, new = one["Old"]["Path"], one["New"]
        target = f"{new['Path']} {new['Version']}" if "Version" in new else f"{old} {published}"
        lines.append(f"replace {old} => {target}")
    lines += ["require (", *(f"\t{one['Path']} {one['Version']}" for one in own["Require"])]
    return "\n".join([*lines, f"\t{_MODULE} v{version}", ")", ""])
