"""The files that the console was built to, known by name before anybody asks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

INDEX: Final = "index.html"
NONCE_PLACE: Final = "%NONCE%"
"""What the build writes where each answer has its own nonce."""
_ASSETS: Final = "assets"
_COMPRESSED: Final = ".gz"
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file whose name holds the digest of its content."""

    path: Path
    media_type: str
    compressed: Path | None
    """The same, compressed with gzip; None where the build found that not worth it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that a browser may fetch of the console."""

    index: str
    """The page, with NONCE_PLACE in it."""
    assets: dict[str, Asset]
    """Name → file. A name that is not in here leads to no file."""


def read_bundle(directory: Path) -> Bundle:
    """Return what is in the directory of a build; raises OSError when there is none."""
    index = (directory / INDEX).read_text("utf-8")
    files = {path.name: path for path in (directory / _ASSETS).iterdir() if path.is_file()}
    assets = {
        name: Asset(path, _MEDIA_TYPES[path.suffix], files.get(name + _COMPRESSED))
        for name, path in files.items()
        if path.suffix in _MEDIA_TYPES
    }
    return Bundle(index, assets)
