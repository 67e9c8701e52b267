"""One execution as a process: its folders and variables, its log into the store, its output into the store."""

import asyncio
import contextlib
import hashlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from serviceexecution.contract.input.data_pools import DataPoolReference
from serviceexecution.contract.paths import MAIN_RESULT_FILE, property_file
from serviceexecution.contract.stdout_results import StdoutResultScanner
from serviceexecution.local.project import LocalProject
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import InvalidOutputPathError
from serviceexecution.store.records import LogRecord, OutputManifest, SkippedFile, StdoutResult, StoredFile
from serviceexecution.store.store import ResultStore

GRACE_SECONDS: Final = 10.0
"""Between SIGTERM and SIGKILL, as long as a pod gets here."""
_FLUSH_SECONDS: Final = 0.2
_CHUNK_BYTES: Final = 256 * 1024
_LINE_BYTES: Final = 1024 * 1024
_MOST_SKIPPED: Final = 1000
"""As a collector's."""
_POD: Final = "local"


@dataclass(frozen=True, slots=True)
class Given:
    """What a program is given."""

    files: Mapping[str, str]
    """Property to JSON text."""
    pools: Mapping[str, DataPoolReference]
    pool_folders: Mapping[str, Path]
    variables: Mapping[str, str]

    def missing_pool(self) -> DataPoolReference | None:
        """Return a data pool for which there is no folder."""
        return next((pool for pool in self.pools.values() if pool.id not in self.pool_folders), None)


@dataclass(slots=True)
class LocalProcess:
    """Runs one program; ``stop`` ends it. Owner of its process and of its folders."""

    project: LocalProject
    store: ResultStore
    reference: ExecutionReference
    room: Path
    manifest: OutputManifest | None = None
    """What was kept of the output, once ``run`` has returned."""
    _process: asyncio.subprocess.Process | None = None
    _log: "_Log" = field(init=False)

    def __post_init__(self) -> None:
        self._log = _Log(self.store, self.reference)

    async def run(self, given: Given, *, seconds: float | None) -> int | None:
        """Return the exit code, None when the time was over; log and output are in the store then."""
        environment = await asyncio.to_thread(self._furnish, given)
        self._process = await asyncio.create_subprocess_exec(
            str(self.project.python),
            "-m",
            "serviceexecution.launcher",
            cwd=self.project.work,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        flushing = asyncio.create_task(self._flush())
        reading = asyncio.create_task(self._read(self._process))
        code: int | None
        try:
            async with asyncio.timeout(seconds):
                code = await self._process.wait()
        except TimeoutError:
            code = None
        finally:
            await self.stop()  # Also what the program has left running, which holds its output open
            await reading
            flushing.cancel()
            await self._log.close()
        self.manifest = await self._keep_output()
        return code

    async def stop(self) -> None:
        """End the program and what it has started, at first gently."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            _signal(process, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS):
                    await process.wait()
        _signal(process, signal.SIGKILL)
        await process.wait()

    def _furnish(self, given: Given) -> dict[str, str]:
        """Make the folders of a container, and return the variables that say where they are."""
        for name in ("input", "output", "datapool"):
            (self.room / name).mkdir(parents=True)
        for name, text in given.files.items():
            (self.room / "input" / property_file(name)).write_text(text, encoding="utf-8")
        for name, pool in given.pools.items():
            target = given.pool_folders[pool.id]
            (self.room / "datapool" / name).symlink_to(target.resolve(), target_is_directory=True)
        return {
            **self.project.environment(),
            "INPUT_DIRECTORY": str(self.room / "input"),
            "OUTPUT_DIRECTORY": str(self.room / "output"),
            "DATAPOOL_DIRECTORY": str(self.room / "datapool"),
            **given.variables,
        }

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        rest = b""
        while data := await process.stdout.read(64 * 1024):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._log.add(line)
            while len(rest) > _LINE_BYTES:
                self._log.add(rest[:_LINE_BYTES])
                rest = rest[_LINE_BYTES:]
        if rest:
            self._log.add(rest)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self._log.flush()

    async def _keep_output(self) -> OutputManifest:
        """Put every regular file below the output folder into the store, no links."""
        root, stored, skipped = self.room / "output", list[StoredFile](), list[SkippedFile]()
        for path, reason in await asyncio.to_thread(_looked_at, root):
            name = path.relative_to(root).as_posix()
            why = reason
            if not why:
                try:
                    written = await self.store.outputs.of(self.reference, 1).write(name, _chunks(path))
                    stored.append(written.file)
                except (OSError, InvalidOutputPathError) as error:
                    why = str(error)
            if why and len(skipped) < _MOST_SKIPPED:
                shown = os.fsencode(name).decode("utf-8", "backslashreplace")
                skipped.append(SkippedFile(path=shown[:1000], reason=why[:1000]))
        manifest = OutputManifest(
            pod_uid=_POD,
            files=tuple(stored),
            skipped=tuple(skipped),
            total_bytes=sum(file.size for file in stored),
            committed_at=datetime.now(UTC),
        )
        await self.store.outputs.commit(self.reference, manifest)
        return manifest


class _Log:
    """Lines on their way into the store."""

    def __init__(self, store: ResultStore, reference: ExecutionReference) -> None:
        self._store = store
        self._reference = reference
        self._scanner = StdoutResultScanner()
        self._waiting: list[bytes] = []
        self._sequence = self._bytes = self._lines = 0
        self._writing = asyncio.Lock()

    def add(self, line: bytes) -> None:
        line = line.removesuffix(b"\r")
        self._scanner.feed(line.decode(errors="replace"))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        self._waiting.append(now.encode() + b" " + line + b"\n")
        self._bytes += len(line) + 1
        self._lines += 1

    async def flush(self) -> None:
        async with self._writing:
            while self._waiting:
                size, count = 0, 0
                while count < len(self._waiting) and size < _CHUNK_BYTES:
                    size += len(self._waiting[count])
                    count += 1
                data, self._waiting = b"".join(self._waiting[:count]), self._waiting[count:]
                self._sequence += 1
                await self._store.logs.of(self._reference, 1).write(self._sequence, data)

    async def close(self) -> None:
        await self.flush()
        result, printed = self._scanner.result, None
        if result is not None:
            data = result.encode("utf-8", "replace")
            await self._store.logs.write_stdout_result(self._reference, data)
            printed = StdoutResult(size=len(data), sha256=hashlib.sha256(data).hexdigest())
        record = LogRecord(
            pod_uid=_POD,
            bytes=self._bytes,
            lines=self._lines,
            stdout_result=printed,
            stdout_problem=None if printed else self._scanner.problem,
            committed_at=datetime.now(UTC),
        )
        await self._store.logs.commit(self._reference, record)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _looked_at(root: Path) -> list[tuple[Path, str]]:
    """Return all that is below ``root``, the main result first, each with why it is no output; "" for what is."""
    found: list[tuple[Path, str]] = []
    for directory, folders, names in os.walk(root):
        for path in (Path(directory, name) for name in (*names, *folders)):
            if path.is_symlink():
                found.append((path, "symbolic links are not followed"))
            elif path.is_dir():
                if path == root / MAIN_RESULT_FILE:
                    found.append((path, "a directory"))
            else:
                found.append((path, "" if path.is_file() else "it is no regular file"))
    return sorted(found, key=lambda one: (one[0] != root / MAIN_RESULT_FILE, one[0]))


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(256 * 1024):
            yield chunk
            await asyncio.sleep(0)
