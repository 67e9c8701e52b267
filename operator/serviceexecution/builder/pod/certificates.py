"""One file with all the certificates that a build trusts."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

_NAME: Final = "certificates.pem"
_SYSTEM: Final = Path("/etc/ssl/certs/ca-certificates.crt")


def combined_certificates(directory: Path, *more: bytes) -> Path | None:
    """Write the system's certificates and ``more`` to one file; None when there is nothing more than the system's.

    Programs that are given a file read no other.
    """
    added = [text.strip() for text in more if text.strip()]
    if not added:
        return None
    system = Path(ssl.get_default_verify_paths().cafile or _SYSTEM)
    texts = [system.read_bytes().strip()] if system.is_file() else []
    target = directory / _NAME
    target.write_bytes(b"\n".join([*texts, *added]) + b"\n")
    return target
