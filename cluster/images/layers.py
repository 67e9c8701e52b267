"""Compressed layers, kept by the digest of what is in them, so that each is compressed once."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

# Base images are compressed once per change, but every build sends and reads them: still the first level is the one,
# since a higher one takes several times as long for a tenth of the size.
_LEVEL: Final = 1
_CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Layer:
    """A compressed layer: the file, and the file's digest and size."""

    path: Path
    digest: str
    size: int


@dataclass(frozen=True)
class LayerStore:
    """Compressed layers in one directory: `<digest of the content>.gz` and beside it what is known of the file."""

    directory: Path

    def find(self, content_digest: str) -> Layer | None:
        """The compressed layer with this content, None before the first `add`."""
        path = self._path(content_digest)
        try:
            known = json.loads(path.with_suffix(".json").read_text())
            return Layer(path, str(known["digest"]), int(known["size"])) if path.exists() else None
        except (OSError, ValueError, KeyError):
            return None

    def add(self, content_digest: str, content: IO[bytes]) -> Layer:
        """Compress `content`; an interruption leaves nothing that `find` finds."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self._path(content_digest)
        temporary = path.with_suffix(".new")
        with (
            temporary.open("wb") as file,
            # Without a time the same content gives the same file, and with it the same digest everywhere.
            gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as target,
        ):
            shutil.copyfileobj(content, target, _CHUNK_BYTES)
        with temporary.open("rb") as written:
            digest = f"sha256:{hashlib.file_digest(written, 'sha256').hexdigest()}"
        layer = Layer(path, digest, temporary.stat().st_size)
        temporary.replace(path)
        path.with_suffix(".json").write_text(json.dumps({"digest": digest, "size": layer.size}))
        return layer

    def keep_only(self, content_digests: Collection[str]) -> None:
        """Delete all other layers; they would be made again when they are wanted again."""
        kept = {self._path(digest).stem for digest in content_digests}
        for path in self.directory.glob("*"):
            if path.stem not in kept:
                path.unlink(missing_ok=True)

    def _path(self, content_digest: str) -> Path:
        return self.directory / f"{content_digest.removeprefix('sha256:')}.gz"
