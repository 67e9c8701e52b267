"""Writes a CycloneDX SBOM of each image of the project: ``python -m tools.sbom DIRECTORY``.

What is listed is read from the image itself: Debian's packages from dpkg's own record, Python's from their metadata, Go
programs from what the compiler wrote into them. It lists what is there, not what was asked for.
"""

import argparse
import email.parser
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from cluster.errors import LauncherError
from cluster.images.build import build
from cluster.images.catalogue import OWN_IMAGES, catalogue
from cluster.settings import cache_home

_DPKG: Final = re.compile(r"var/lib/dpkg/(status|status\.d/[^/]+)")
_PYTHON: Final = re.compile(r".*\.dist-info/METADATA")
_PROGRAMS: Final = re.compile(r"(usr/)?(local/)?s?bin/[^/]+")
_ELF: Final = b"\x7fELF"


@dataclass(frozen=True, order=True)
class Package:
    """Something with a version in an image; ``kind`` is the type of its package URL."""

    kind: str
    name: str
    version: str


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.sbom", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument(
        "archives", type=Path, nargs="*", help="image archives; none means all images of ours"
    )
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    for archive in arguments.archives or _ours():
        reference, digest, found = contents(archive)
        name = reference.rpartition("/")[2].replace(":", "-")
        target = arguments.directory / f"{name}.cdx.json"
        target.write_text(document(reference, digest, found))
        print(f"{target}: {len(found)} components")
    return 0


def _ours() -> list[Path]:
    """Build the project's own images, where they are not built yet, and return their archives."""
    cache = cache_home()
    images = catalogue(cache)
    own = [image for image in images.values() if image.reference.startswith(OWN_IMAGES)]
    return [build(cache, image, images) for image in own]


def contents(archive: Path) -> tuple[str, str, list[Package]]:
    """Return an image archive's reference, the SHA-256 of its configuration, and what is in the image."""
    files: dict[str, list[Package]] = {}
    with tarfile.open(archive) as outer:
        described = json.load(_member(outer, "manifest.json"))[0]
        configuration = _member(outer, described["Config"]).read()
        for layer in described["Layers"]:
            with tarfile.open(fileobj=_member(outer, layer)) as inner:
                for path, packages in _layer(inner):
                    if packages is None:
                        files = {name: kept for name, kept in files.items() if not _below(name, path)}
                    else:
                        files[path] = packages
    reference = str((described["RepoTags"] or [archive.stem])[0])
    found = sorted({package for packages in files.values() for package in packages})
    return reference, hashlib.sha256(configuration).hexdigest(), found


def document(reference: str, digest: str, packages: list[Package]) -> str:
    """Return the SBOM as CycloneDX 1.6 JSON."""
    name, _, tag = reference.rpartition(":")
    image = Component(
        name=name,
        version=tag,
        type=ComponentType.CONTAINER,
        bom_ref=reference,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )
    components = [
        Component(
            name=package.name,
            version=package.version,
            type=ComponentType.LIBRARY,
            bom_ref=str(_url(package)),
            purl=_url(package),
        )
        for package in packages
    ]
    bom = Bom(components=components)
    bom.metadata.component = image
    bom.register_dependency(image, components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _url(package: Package) -> PackageURL:
    namespace = "debian" if package.kind == "deb" else None
    return PackageURL(type=package.kind, namespace=namespace, name=package.name, version=package.version)


def _layer(inner: tarfile.TarFile) -> Iterator[tuple[str, list[Package] | None]]:
    """Give each file's packages by its path; None for what this layer deletes."""
    for member in inner:
        path = PurePosixPath(member.name.removeprefix("./").removeprefix("/"))
        if path.name == ".wh..wh..opq":
            yield str(path.parent), None
        elif path.name.startswith(".wh."):
            yield str(path.parent / path.name.removeprefix(".wh.")), None
        elif member.isfile() and (packages := _packages(inner, member, str(path))):
            yield str(path), packages


def _packages(inner: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> list[Package]:
    if _DPKG.fullmatch(path):
        return _debian(_content(inner, member).decode(errors="replace"))
    if _PYTHON.fullmatch(path):
        head = email.parser.BytesHeaderParser().parsebytes(_content(inner, member))
        return [Package("pypi", str(head["Name"]).lower(), str(head["Version"]))]
    if _PROGRAMS.fullmatch(path) and member.mode & 0o111:
        content = _content(inner, member)
        return _go(content) if content.startswith(_ELF) else []
    return []


def _debian(status: str) -> list[Package]:
    heads = (email.parser.HeaderParser().parsestr(text) for text in status.split("\n\n") if text.strip())
    return [
        Package("deb", str(head["Package"]), str(head["Version"]))
        for head in heads
        if "installed" in str(head["Status"] or "installed").split()
    ]


def _go(program: bytes) -> list[Package]:
    """Return the modules that a Go program was made from, read by Go's own tool; nothing for other programs."""
    if b"\xff Go buildinf:" not in program:
        return []
    with tempfile.NamedTemporaryFile() as file:
        file.write(program)
        file.flush()
        try:
            words = subprocess.run(
                ["go", "version", "-m", file.name], capture_output=True, text=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise LauncherError(f"the modules of a Go program cannot be read: {error}.") from None
    lines = [line.split("\t") for line in words.splitlines()]
    return [
        Package("golang", line[2], line[3])
        for line in lines
        if len(line) > 3 and line[1] in {"mod", "dep"} and line[3] not in {"", "(devel)"}
    ]


def _below(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}/")


def _content(inner: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = inner.extractfile(member)
    return b"" if file is None else file.read()


def _member(outer: tarfile.TarFile, name: str) -> IO[bytes]:
    file = outer.extractfile(name)
    if file is None:
        raise LauncherError(f"the image archive has no {name}.")
    return file


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LauncherError as error:
        sys.exit(f"error: {error}")
