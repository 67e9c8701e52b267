"""An archive is uploaded to one gateway: ``python -m benchmarks.upload``.

Says how much memory the gateway needs for it, and how fast it is next to hashing and writing the same bytes.
"""

import argparse
import hashlib
import http.client
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.gateway_process import GatewayProcess, gateway_process
from benchmarks.polling_setup import PollingSetup, polling_setup
from tests.support.accounts import bind
from tests.support.cluster import Cluster

MEBIBYTE: Final = 1024 * 1024
_BLOCK: Final = secrets.token_bytes(MEBIBYTE)
_HEAD: Final = b"\x1f\x8b\x08"


def blocks(mebibytes: int) -> Iterator[bytes]:
    """Give what looks like an archive, block by block."""
    yield _HEAD + _BLOCK[len(_HEAD) :]
    for _ in range(mebibytes - 1):
        yield _BLOCK


def upload(gateway: GatewayProcess, setup: PollingSetup, mebibytes: int, digest: str) -> tuple[float, float]:
    """Upload the archive; return the seconds it took and the most memory in MiB that was seen meanwhile."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=120)
    started, most = time.monotonic(), 0
    connection.putrequest("PUT", f"/api/v1/namespaces/{setup.namespace}/sources/{digest}")
    connection.putheader("Authorization", f"Bearer {setup.token}")
    connection.putheader("Content-Length", str(mebibytes * MEBIBYTE))
    connection.endheaders()
    for number, block in enumerate(blocks(mebibytes)):
        connection.send(block)
        if number % 4 == 0:
            most = max(most, gateway.resident_bytes())
    answer = connection.getresponse()
    text = answer.read().decode()
    most = max(most, gateway.resident_bytes())
    if answer.status not in {200, 201}:
        raise RuntimeError(f"{answer.status} {text}")
    return time.monotonic() - started, most / MEBIBYTE


def write(directory: Path, mebibytes: int) -> tuple[float, str]:
    """Hash and write the archive; return the seconds it took and the SHA-256."""
    digest = hashlib.sha256()
    started = time.monotonic()
    with (directory / "plain").open("wb") as file:
        for block in blocks(mebibytes):
            digest.update(block)
            file.write(block)
    return time.monotonic() - started, digest.hexdigest()


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.upload", description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=100)
    arguments = parser.parse_args()
    console = Console()
    with polling_setup(0) as setup, tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        directory = Path(name)
        bind(Cluster(), setup.namespace, "reader", "edit")
        plain, digest = write(directory, arguments.mebibytes)
        with gateway_process(directory / "store") as gateway:
            before = gateway.resident_bytes() / MEBIBYTE
            took, most = upload(gateway, setup, arguments.mebibytes, digest)
    console.print(
        f"{arguments.mebibytes} MiB in {took:.1f} s, {took / plain:.1f} times hashing and writing in {plain:.1f} s"
    )
    console.print(f"memory of the gateway: {before:.0f} MiB before, at most {most:.0f} MiB meanwhile")
    return 0


if __name__ == "__main__":
    sys.exit(main())
