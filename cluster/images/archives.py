"""Getting image archives into a node's containerd, which listens on a socket."""

import contextlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from cluster.commands import failure_sentence, run
from cluster.console import step
from cluster.errors import LauncherError

_CONTAINERD_NAME: Final = "io.containerd.image.name"
_OCI_NAME: Final = "org.opencontainers.image.ref.name"
_NAMESPACE: Final = "k8s.io"


def ctr(socket: Path, *arguments: str | Path, what: str) -> str:
    """Run containerd's client in the namespace that the kubelet uses."""
    return run(["ctr", "--address", socket, "--namespace", _NAMESPACE, *arguments], what=what)


def load(socket: Path, archive: Path) -> list[str]:
    """Import an OCI or Docker image archive under the names it carries and return these.

    Raises LauncherError when the file is not an image archive, or names no image.
    """
    names = archive_names(archive)
    if not names:
        raise LauncherError(
            f"{archive} names no image; save it with a full name such as docker.io/you/image:1."
        )
    what = f"Loading {archive}"
    if _is_oci(archive):
        with tempfile.NamedTemporaryFile(suffix=".tar") as renamed:
            with_containerd_names(archive, Path(renamed.name))
            ctr(socket, "images", "import", renamed.name, what=what)
    else:
        ctr(socket, "images", "import", archive, what=what)
    return names


def load_together(socket: Path, archives: Sequence[Path]) -> None:
    """Import archives of our own builder as one: a layer that several share is read once, which is most of the time."""
    argv = [
        "ctr",
        "--address",
        str(socket),
        "--namespace",
        _NAMESPACE,
        "images",
        "import",
        "-",
    ]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        assert process.stdin is not None  # noqa: S101 - it was asked for
        with contextlib.suppress(BrokenPipeError), process.stdin as sink:
            write_merged(archives, sink)
        status = process.wait()
        output.seek(0)
        if status != 0:
            raise LauncherError(
                failure_sentence("Loading images", status, output.read().decode(errors="replace"))
            )


def load_changed(socket: Path, record_file: Path, archives: Mapping[str, Path], *, where: str) -> None:
    """Load the archives that the node does not have in this content, as its record in `record_file` tells."""
    try:
        record: dict[str, str] = json.loads(record_file.read_text())
    except (OSError, ValueError):
        record = {}
    present = loaded_names(socket)
    stale = {n: path for n, path in archives.items() if record.get(n) != path.name or n not in present}
    if stale:
        with step(f"{where}: loading {', '.join(name.rpartition('/')[2] for name in stale)}"):
            load_together(socket, list(stale.values()))
        record_file.write_text(json.dumps({name: path.name for name, path in archives.items()}, indent=2))


def write_merged(archives: Sequence[Path], sink: IO[bytes]) -> None:
    """Write Docker archives as one Docker archive with each layer and configuration once."""
    manifests: list[dict[str, object]] = []
    written: set[str] = set()
    with tarfile.open(fileobj=sink, mode="w|") as target:
        for archive in archives:
            entries = json.loads(_member(archive, "manifest.json") or b"[]")
            manifests += entries
            wanted = {name for entry in entries for name in (entry["Config"], *entry["Layers"])} - written
            with tarfile.open(archive) as source:
                for member in source:
                    if member.name in wanted:
                        target.addfile(member, source.extractfile(member))
            written |= wanted
        data = json.dumps(manifests).encode()
        manifest = tarfile.TarInfo("manifest.json")
        manifest.size = len(data)
        target.addfile(manifest, io.BytesIO(data))


def loaded_names(socket: Path) -> set[str]:
    """The names of the images that the node has."""
    return set(ctr(socket, "images", "list", "--quiet", what="Listing the node's images").split())


def archive_names(archive: Path) -> list[str]:
    """The full image names in an OCI or Docker archive.

    Raises LauncherError when it is neither.
    """
    index = _member(archive, "index.json")
    if index is not None:
        named = (_name(entry.get("annotations", {})) for entry in json.loads(index)["manifests"])
        names: Iterable[str] = (name for name in named if name)
    else:
        manifest = _member(archive, "manifest.json")
        if manifest is None:
            raise LauncherError(f"{archive} is not an OCI or Docker image archive.")
        names = (tag for entry in json.loads(manifest) for tag in entry.get("RepoTags") or [])
    return sorted(set(names))


def with_containerd_names(source: Path, target: Path) -> None:
    """Copy an OCI archive, its images named in the annotation that containerd takes for a full name."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = old.extractfile(member)
            if content is not None and _normal(member.name) == "index.json":
                data = _renamed_index(content.read())
                member.size = len(data)
                content = io.BytesIO(data)
            new.addfile(member, content)


def _renamed_index(data: bytes) -> bytes:
    index = json.loads(data)
    for entry in index["manifests"]:
        annotations = entry.setdefault("annotations", {})
        name = _name(annotations)
        if name:
            annotations[_CONTAINERD_NAME] = name
    return json.dumps(index).encode()


def _name(annotations: dict[str, str]) -> str | None:
    """A full name from an OCI index entry; a bare tag, which some tools write there, is none."""
    name = annotations.get(_CONTAINERD_NAME) or annotations.get(_OCI_NAME, "")
    return name if "/" in name else None


def _is_oci(archive: Path) -> bool:
    # A recent `docker save` writes both kinds into one archive; containerd reads it as OCI.
    return _member(archive, "index.json") is not None


def _member(archive: Path, name: str) -> bytes | None:
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                if _normal(member.name) == name:
                    content = opened.extractfile(member)
                    return None if content is None else content.read()
    except FileNotFoundError as error:
        raise LauncherError(f"there is no file {archive}.") from error
    except (OSError, tarfile.TarError) as error:
        raise LauncherError(f"{archive} is not an image archive.") from error
    return None


def _normal(name: str) -> str:
    return name.removeprefix("./")
