"""A data pool in the store, and the stage-in program as a process that brings it into a folder."""

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.store.pools.changes import Change
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.pool_store import PoolStore, WrittenBlob
from serviceexecution.store.pools.records import PoolFile, file_id
from tests.processes.collector.live import COLLECTOR, finish
from tests.unit.gateway.collect.collector_cluster import REF


async def pieces(content):
    yield content


async def fill(store: PoolStore, reference: PoolReference, files: dict[str, bytes], before=None):
    """Put files into a pool; returns its new state."""
    changes: list[Change] = []
    kept: dict[bytes, WrittenBlob] = {}
    for name, content in files.items():
        written = kept.get(content) or await store.write_blob(reference, pieces(content))
        kept[content] = written
        changes.append(
            Change.put(
                PoolFile(
                    name=name,
                    id=file_id(reference.uid, name),
                    sha256=written.sha256,
                    size=written.size,
                    content_type="application/octet-stream",
                    created_at=datetime(2026, 11, 28, tzinfo=UTC),
                    blob=written.blob,
                )
            )
        )
    index = await store.read_index(reference, before)
    planned = await store.plan(reference, index, changes)
    await store.write_index(reference, planned)
    return planned.index


class StagedPool:
    """One pool that an execution uses as "numbers"."""

    def __init__(self, gateway, directory: Path) -> None:
        self.gateway = gateway
        self.reference = PoolReference(REF.namespace, str(uuid.uuid4()))
        self.root = directory / "datapool"
        self.message = directory / "termination-log"
        token = directory / "token"
        token.write_text("collector-token\n")
        self.environment = {
            "SX_GATEWAY_URL": gateway.url,
            "SX_TOKEN_FILE": str(token),
            "SX_TERMINATION_LOG": str(self.message),
            "SX_DATA_POOL_DIRECTORY": str(self.root),
            "SX_DATA_POOLS": '["numbers"]',
        }

    @property
    def folder(self) -> Path:
        return self.root / "numbers"

    def fill(self, files: dict[str, bytes], **recorded) -> None:
        """Put files into the pool, and let the execution have recorded this state of it."""
        index = self.gateway.call(fill(self.gateway.store.pools, self.reference, files))
        used = {
            "property": "numbers",
            "name": "numbers",
            "uid": self.reference.uid,
            "index": index.digest,
            "files": index.files,
            "bytes": index.bytes,
        }
        self.record({**used, **recorded})

    def record(self, used) -> None:
        """Let the execution's status name this state of the pool."""
        self.recorded = used
        status = {"dataPools": [used]}
        self.gateway.kubernetes.change(SERVICE_EXECUTIONS, REF.namespace, REF.name, {"status": status})

    def blobs(self) -> list[Path]:
        """Return where the store keeps the content."""
        root = Path(self.gateway.store.pools._objects.root)
        return sorted(root.glob(f"cluster/!pools/{REF.namespace}/{self.reference.uid}/blobs/*"))

    def start(self, *prefix: str) -> subprocess.Popen[bytes]:
        command = [*prefix, sys.executable, "-I", "-S", str(COLLECTOR), "stage-in"]
        return subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE, start_new_session=True)

    def run(self, *prefix: str):
        """Run the program to its end; returns its exit code and its log."""
        return finish(self.start(*prefix))

    def staged(self) -> dict[str, bytes]:
        """Return what is in the folder."""
        return {os.fsdecode(one.name): one.read_bytes() for one in self.folder.iterdir()}
