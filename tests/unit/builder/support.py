"""What the tests of the builder share."""

import io
import json
import tarfile
from pathlib import Path

DATA = Path(__file__).parent / "data"
DIGEST = "a" * 64


def request_fields(**changes: object) -> dict[str, object]:
    """Return a whole request as the controller writes it; a change to None leaves the field out."""
    fields: dict[str, object] = {
        "gatewayUrl": "http://gateway.example:8080",
        "tokenFile": "/var/run/secrets/serviceexecution.dev/token",
        "builder": "buildkit",
        "source": {"archive": {"digest": f"sha256:{DIGEST}"}},
        "subPath": "",
        "docker": {"dockerfile": "Dockerfile", "target": "", "args": {}},
        "image": "registry.example:5000/team/adder:r3",
        "cacheImage": "registry.example:5000/team/adder:cache",
        "registry": {"insecure": ["registry.example:5000"], "mirrors": {}, "config": False},
        "environment": {},
        "limits": {
            "archiveBytes": 1 << 20,
            "contextBytes": 1 << 24,
            "contextFiles": 100,
            "imageBytes": 1 << 30,
        },
        "timeoutSeconds": 600,
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


def request_text(**changes: object) -> str:
    """Return the same as JSON text."""
    return json.dumps(request_fields(**changes))


def data_lines(kind: str, name: str) -> list[str]:
    """Return the lines that a tool really printed."""
    return (DATA / kind / f"{name}.txt").read_text().splitlines()


def tar_gz(files: dict[str, str | bytes]) -> bytes:
    """Return a tar.gz of files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def write_files(root: Path, files: dict[str, str]) -> Path:
    """Write files below a directory, and return it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
