"""A data pool that an execution has opened for writing: staged, changed as a program would, and collected."""

from serviceexecution.kube.kinds import DATA_POOLS, PODS, SERVICE_EXECUTIONS
from serviceexecution.store.records import OutputManifest
from tests.processes.collector.live import Pod
from tests.processes.stage_in.staged import StagedPool, fill
from tests.unit.gateway.collect.collector_cluster import REF


class WrittenPool(StagedPool):
    """The pool, the DataPool that names its state, and the pod of the execution."""

    def __init__(self, gateway, directory) -> None:
        super().__init__(gateway, directory)
        self.environment["SX_WRITABLE_POOLS"] = '["numbers"]'
        self.pod = Pod(
            directory,
            gateway.url,
            SX_WRITABLE_POOLS='["numbers"]',
            SX_DATA_POOL_DIRECTORY=str(self.root),
        )

    def begin(self, files: dict[str, bytes], **recorded) -> None:
        """Fill the pool, stage it, and let the program run."""
        self.fill(files, **{"writable": True, **recorded})
        self.gateway.kubernetes.put(
            DATA_POOLS,
            {
                "metadata": {"name": "numbers", "namespace": REF.namespace, "uid": self.reference.uid},
                "spec": {},
                "status": {
                    "index": self.recorded["index"],
                    "files": self.recorded["files"],
                    "bytes": self.recorded["bytes"],
                },
            },
        )
        code, log = self.run()
        assert code == 0, log

    def end(self, exit_code: int = 0) -> None:
        """Let the program end, as its kubelet says."""
        state = {"terminated": {"exitCode": exit_code}}
        status = {"containerStatuses": [{"name": "main", "state": state}]}
        self.gateway.kubernetes.change(PODS, REF.namespace, "pod-1", {"status": status})

    def collect(self, **more):
        """Run the collector to its end; returns what the commit says of the pool, None when it says nothing."""
        code, log = self.pod.run(**more)
        assert code == 0, log
        return self.said()

    def manifest(self) -> OutputManifest | None:
        found: OutputManifest | None = self.gateway.call(self.gateway.store.outputs.read_manifest(REF))
        return found

    def said(self):
        manifest = self.manifest()
        assert manifest is not None
        return next(iter(manifest.data_pools), None)

    def head(self) -> str:
        """Return the digest of the pool's state."""
        body = self.gateway.call(self.gateway.kubernetes.get(DATA_POOLS, REF.namespace, "numbers"))
        return str(body["status"].get("index"))

    def kept(self, digest: str) -> dict[str, bytes]:
        """Return the files of a state."""

        async def read():
            store = self.gateway.store.pools
            index = await store.read_index(self.reference, digest)
            found = {}
            for file in await store.files(self.reference, index):
                stream = await store.open_blob(self.reference, file.blob)
                assert stream is not None
                found[file.name] = b"".join([part async for part in stream.chunks])
            return found

        found: dict[str, bytes] = self.gateway.call(read())
        return found

    def written_by_other(self, files: dict[str, bytes]) -> str:
        """Let another writer put files into the pool; returns its new state."""
        index = self.gateway.call(fill(self.gateway.store.pools, self.reference, files, self.head()))
        status = {"index": index.digest, "files": index.files, "bytes": index.bytes}
        self.gateway.kubernetes.change(DATA_POOLS, REF.namespace, "numbers", {"status": status})
        return str(index.digest)

    def brought(self) -> list[str]:
        """Return what is noted of uploads."""
        root = self.gateway.store.pools._objects.root
        place = root / f"cluster/!pools/{REF.namespace}/{self.reference.uid}/writes"
        return sorted(str(one.relative_to(place)) for one in place.rglob("*") if one.is_file())

    def only_written(self) -> list[str]:
        """Return what ``brought`` says when only the state is known that has become the pool's."""
        return [f"{REF.uid}/1/index.{self.head()}"]

    def attempt(self, number: int) -> None:
        """Let the execution's status say which attempt runs; gateways begin anew, so that they see it."""
        self.gateway.kubernetes.change(
            SERVICE_EXECUTIONS, REF.namespace, REF.name, {"status": {"attempts": number}}
        )
        self.gateway.restart_app()

    def stop(self, reason: str) -> None:
        """Let the execution's status say that it is being stopped."""
        status = {"stopRequested": {"reason": reason, "time": "2026-11-28T12:00:00Z"}}
        self.gateway.kubernetes.change(SERVICE_EXECUTIONS, REF.namespace, REF.name, {"status": status})
