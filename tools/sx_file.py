"""``make sx``: the command line as one file, dist/sx, and what krew needs to install it.

A zipapp of the standard library: the command line and what it imports are plain Python, so that one file runs
wherever there is Python 3.11 or newer. What it leaves out is for clusters and for ``sx serve``.
"""

import hashlib
import re
import shutil
import sys
import tarfile
import tempfile
import zipapp
from importlib import metadata
from pathlib import Path
from typing import Final

import yaml

from tools.errors import GenerationError

ROOT: Final = Path(__file__).resolve().parents[1]
_PACKAGE: Final = ROOT / "operator" / "serviceexecution"
_ROOMS: Final = ("cli", "contract", "fairness", "kube", "resources")
_ROOTS: Final = ("httpx", "typer", "rich", "PyYAML")
"""Packages that the command line imports; what they need comes with them."""
_LEFT_OUT: Final = frozenset({"pydantic"})
"""Typer asks for it and imports it only for what we do not use; it is compiled for one kind of machine."""
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_COMPILED: Final = frozenset({".so", ".pyd", ".dylib"})
_MAIN: Final = "serviceexecution.cli.main:main"


def write_file(directory: Path) -> Path:
    """Write ``sx`` into a directory and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / "sx"
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        _copy_own(room / "serviceexecution")
        for package in sorted(_needed()):
            _copy_package(package, room)
        zipapp.create_archive(room, target, interpreter="/usr/bin/env python3", main=_MAIN, compressed=True)
    target.chmod(0o755)
    return target


def write_krew(file: Path, version: str, releases: str) -> Path:
    """Write the archive and the manifest of the kubectl plugin beside ``sx``; return the manifest.

    ``releases`` is the URL of the folder from which the archive will be fetched.
    """
    archive = file.with_name("kubectl-sx.tar.gz")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(file, "kubectl-sx")
        tar.add(ROOT / "LICENSE", "LICENSE")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    manifest = file.with_name("sx.krew.yaml")
    manifest.write_text(
        yaml.safe_dump(krew_manifest(version, digest, releases), sort_keys=False), encoding="utf-8"
    )
    return manifest


def krew_manifest(version: str, digest: str, releases: str) -> dict[str, object]:
    """Return the plugin's manifest for krew's index. Pure."""
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "sx"},
        "spec": {
            "version": f"v{version}",
            "homepage": releases,
            "shortDescription": "Run services as Jobs and get their results",
            "description": "Deploys projects as services, runs them, and fetches logs and results.\n",
            "caveats": "Needs Python 3.11 or newer as python3.\n",
            "platforms": [
                {
                    "selector": {
                        "matchExpressions": [{"key": "os", "operator": "In", "values": ["darwin", "linux"]}]
                    },
                    "uri": f"{releases.rstrip('/')}/kubectl-sx.tar.gz",
                    "sha256": digest,
                    "bin": "kubectl-sx",
                }
            ],
        },
    }


def _copy_own(target: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for room in _ROOMS:
        shutil.copytree(_PACKAGE / room, target / room, ignore=ignored)
    shutil.copy(_PACKAGE / "__init__.py", target)


def _needed() -> set[str]:
    """Return the names of all packages that those of _ROOTS need on any machine."""
    found: set[str] = set()
    waiting = list(_ROOTS)
    while waiting:
        name = waiting.pop().replace("_", "-")
        if name in found or name in _LEFT_OUT:
            continue
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # Of another Python or system
        found.add(name)
        for line in requires:
            wanted = _NAME.match(line)
            if wanted is not None and "extra ==" not in line:
                waiting.append(wanted[0])
    return found


def _copy_package(name: str, room: Path) -> None:
    for file in metadata.files(name) or ():
        parts = file.parts
        if ".." in parts or "__pycache__" in parts or parts[0].endswith(".dist-info"):
            continue
        if file.suffix in _COMPILED:
            if name != "PyYAML":
                raise GenerationError(f"{name} has {file}, which runs on one kind of machine only.")
            continue  # It is faster with it, and works without
        target = room.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(str(file.locate())), target)


def main() -> None:
    """Write the file into the folder that the first argument names; with a URL of releases, what krew needs."""
    file = write_file(Path(sys.argv[1]))
    print(file)
    if len(sys.argv) > 2:
        found = re.search(r'(?m)^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        print(write_krew(file, found[1] if found is not None else "0.0.0", sys.argv[2]))


if __name__ == "__main__":
    main()
