"""Sizes for people."""

from typing import Final

_UNITS: Final = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def shown_size(size: int) -> str:
    """Return a number of bytes as people read it: ``512 B``, ``1.5 KiB``, ``100 MiB``."""
    for factor, unit in _UNITS:
        if size >= factor:
            value = size / factor
            return f"{value:.0f} {unit}" if value >= 100 or size % factor == 0 else f"{value:.1f} {unit}"
    return f"{size} B"
