"""The files of the images that stand in for public ones, from Debian packages and our own Go programs."""

import io
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cluster.commands import run
from cluster.images.binaries import (
    BUILDKIT_PROGRAMS,
    PAUSE_PROGRAMS,
    REGISTRY_PROGRAMS,
    S3_PROGRAMS,
    build_all,
)
from cluster.settings import CHECKOUT

PYTHON_PACKAGES: Final = ("python3", "python3-venv", "python3-pip", "ca-certificates", "netbase", "tzdata")
NODE_PACKAGES: Final = ("nodejs", "ca-certificates", "netbase", "tzdata")
_PROGRAMS_OF_PYTHON: Final = (
    ("python3", "python"),
    ("python3", "python3"),
    ("pip3", "pip"),
    ("pip3", "pip3"),
)
_RUNC: Final = Path("/usr/sbin/runc")


def copy_pause(cache: Path, target: Path) -> None:
    """The context of images/embedded/pause."""
    shutil.copy(build_all(cache, PAUSE_PROGRAMS) / "pause", target / "pause")


def copy_buildkit(cache: Path, target: Path) -> None:
    """The context of images/embedded/buildkit: BuildKit's programs under the public image's names."""
    programs = target / "programs"
    programs.mkdir()
    built = build_all(cache, BUILDKIT_PROGRAMS)
    for name in BUILDKIT_PROGRAMS:
        shutil.copy(built / name, programs / name)
    shutil.copy(_RUNC, programs / "buildkit-runc")


def copy_registry(cache: Path, target: Path) -> None:
    """The context of images/embedded/registry."""
    shutil.copy(build_all(cache, REGISTRY_PROGRAMS) / "registry", target / "registry")
    for name in ("entrypoint.sh", "config.yml"):
        shutil.copy(CHECKOUT / "images" / "embedded" / "registry" / name, target / name)


def copy_versitygw(cache: Path, target: Path) -> None:
    """The context of images/embedded/versitygw."""
    shutil.copy(build_all(cache, S3_PROGRAMS) / "versitygw", target / "versitygw")


def busybox_files(target: Path) -> None:
    """The public image's layout from Debian's static busybox: /bin with a link per applet, users, empty directories."""
    program = Path("/bin/busybox") if Path("/bin/busybox").exists() else Path("/usr/bin/busybox")
    applets = run([program, "--list"], what="Listing busybox's applets").split()
    with tarfile.open(target / "rootfs.tar", "w") as archive:
        for name, mode in (("bin", 0o755), ("etc", 0o755), ("home", 0o755), ("root", 0o700), ("tmp", 0o1777)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        users = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
        for name, data, mode in (
            ("bin/busybox", program.read_bytes(), 0o755),
            ("etc/passwd", users, 0o644),
            ("etc/group", b"root:x:0:\nnogroup:x:65534:\n", 0o644),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
        for applet in applets:
            if applet != "busybox":
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(entry)


def python_files(release: str, target: Path) -> None:
    """A Debian with its Python, `python` and `pip` in /usr/local as in the public image."""
    links = " && ".join(
        f'ln -s /usr/bin/{program} "$1/usr/local/bin/{name}"' for program, name in _PROGRAMS_OF_PYTHON
    )
    # Debian's pip refuses to install beside Debian's own packages, the public image's does not.
    hooks = [links, 'rm -f "$1"/usr/lib/python3.*/EXTERNALLY-MANAGED']
    _debian(release, PYTHON_PACKAGES, hooks, target, what="Making the Python base image")


def node_files(target: Path) -> None:
    """A Debian with its Node.js, `node` in /usr/local/bin and a user of that name as in the public image."""
    hooks = [
        'ln -s /usr/bin/node "$1/usr/local/bin/node"',
        "echo 'node:x:1000:1000::/home/node:/bin/bash' >> \"$1/etc/passwd\"",
        "echo 'node:x:1000:' >> \"$1/etc/group\"",
        'install -d -o 1000 -g 1000 "$1/home/node"',
    ]
    _debian("bookworm", NODE_PACKAGES, hooks, target, what="Making the Node.js base image")


def _debian(release: str, packages: Sequence[str], hooks: Sequence[str], target: Path, *, what: str) -> None:
    """Write `rootfs.tar`: the smallest Debian of `release` with `packages`; each hook gets the new root as $1."""
    cleanup = 'rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*'
    options = [
        "--variant=minbase",
        f"--include={','.join(packages)}",
        *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale")),
        *(f"--customize-hook={hook}" for hook in (*hooks, cleanup)),
    ]
    run(["mmdebstrap", *options, release, target / "rootfs.tar"], what=what)
