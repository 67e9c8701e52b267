"""Checks values against schemas in worker processes, within a bounded time."""

import asyncio
import contextlib
import json
import sys
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.schemas.rules import SchemaFault, SchemaUnusableError

CHECK_SECONDS: Final = 3.0
"""How long one check may take; one of the largest input against an ordinary schema takes some milliseconds."""
_SECONDS_PER_BYTE: Final = 1 / 1024**2
"""What a large value may take besides."""
MEMORY_BYTES: Final = 128 * 1024**2
"""Address space of a process, of which a check of the largest input uses a half. Both together, and ours, must stay
within the container's memory: Kubernetes ends all processes of a container that goes beyond it."""
LARGE_MEMORY_BYTES: Final = 320 * 1024**2
"""The same for a large value, of up to 16 MiB, beside which no other is checked."""
LARGE_BYTES: Final = 1_500_000
"""Longest text that is checked in its turn, beside others."""

_WORKERS: Final = 2
_START_SECONDS: Final = 30.0
_LONGEST_ANSWER: Final = 1024 * 1024


class SchemaTimeoutError(Exception):
    """The check took longer than it may; schema or value are too complicated."""


class CheckerUnavailableError(Exception):
    """No check is possible at the moment, whatever the schema and the value."""


class SchemaChecker:
    """State owner of the worker processes: they start with the first check, and new ones replace killed ones."""

    def __init__(self, *, seconds: float = CHECK_SECONDS, workers: int = _WORKERS) -> None:
        """``seconds`` is what one check may take, without waiting for its turn."""
        self._seconds = seconds
        self._workers = workers
        self._alone = asyncio.Lock()
        self._idle: asyncio.LifoQueue[asyncio.subprocess.Process | None] = asyncio.LifoQueue()
        for _ in range(workers):
            self._idle.put_nowait(None)
        self._processes: set[asyncio.subprocess.Process] = set()

    async def check(self, schema: JsonObject, text: str) -> tuple[SchemaFault, ...]:
        """Return where the JSON ``text`` does not fit ``schema``; nothing when it fits.

        Raises SchemaUnusableError when the schema is wrong, SchemaTimeoutError when the check takes too long,
        CheckerUnavailableError.
        """
        request: JsonObject = {"schema": schema, "text": text}
        answer = await (self._ask_alone(request) if len(text) > LARGE_BYTES else self._ask(request))
        found = answer.get("faults")
        pairs = found if isinstance(found, list) else []
        return tuple(
            SchemaFault(str(pair[0]), str(pair[1]))
            for pair in pairs
            if isinstance(pair, list) and len(pair) == 2
        )

    async def check_schema(self, schema: JsonObject) -> None:
        """Raise SchemaUnusableError when ``schema`` cannot be used, SchemaTimeoutError when that takes too long,
        CheckerUnavailableError.
        """
        await self._ask({"schema": schema})

    async def close(self) -> None:
        """End the processes."""
        for process in list(self._processes):
            await self._end(process)

    async def _ask(self, request: JsonObject) -> JsonObject:
        process = await self._idle.get()
        try:
            if process is None or process.returncode is not None:
                process = await self._start(MEMORY_BYTES)
            answer = await self._exchange(process, request, self._seconds, MEMORY_BYTES)
        except BaseException:
            if process is not None:
                await asyncio.shield(self._end(process))
            self._idle.put_nowait(None)
            raise
        self._idle.put_nowait(process)
        return _usable(answer)

    async def _ask_alone(self, request: JsonObject) -> JsonObject:
        """Ask a process with more memory and time than others have, while no other checks anything."""
        seconds = self._seconds + len(str(request["text"])) * _SECONDS_PER_BYTE
        async with self._alone:
            waiting: list[asyncio.subprocess.Process | None] = []
            process = None
            try:
                while len(waiting) < self._workers:
                    waiting.append(await self._idle.get())
                process = await self._start(LARGE_MEMORY_BYTES)
                return _usable(await self._exchange(process, request, seconds, LARGE_MEMORY_BYTES))
            finally:
                if process is not None:
                    await asyncio.shield(self._end(process))
                for one in waiting:
                    self._idle.put_nowait(one)

    async def _start(self, memory: int) -> asyncio.subprocess.Process:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "serviceexecution.schemas.worker", str(memory)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_ANSWER,
            )
        except OSError as error:
            raise CheckerUnavailableError(
                f"The process that checks schemas does not start: {error}"
            ) from None
        self._processes.add(process)
        try:
            # its start is not the check's time
            async with asyncio.timeout(_START_SECONDS):
                await _exchange(process, b'{"schema": {}}\n')
        except (TimeoutError, ConnectionError, EOFError):
            await self._end(process)
            raise CheckerUnavailableError("The process that checks schemas does not start.") from None
        except BaseException:
            await asyncio.shield(self._end(process))
            raise
        return process

    async def _exchange(
        self, process: asyncio.subprocess.Process, request: JsonObject, seconds: float, memory: int
    ) -> JsonObject:
        line = json.dumps(request).encode() + b"\n"
        try:
            async with asyncio.timeout(seconds):
                return await _exchange(process, line)
        except (TimeoutError, ConnectionError, EOFError):
            raise SchemaTimeoutError(
                f"The check did not end within {seconds:.0f} s and {memory // 1024**2} MiB; "
                "simplify the schema or the value."
            ) from None

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        self._processes.discard(process)


def _usable(answer: JsonObject) -> JsonObject:
    if isinstance(unusable := answer.get("unusable"), str):
        raise SchemaUnusableError(unusable)
    return answer


async def _exchange(process: asyncio.subprocess.Process, line: bytes) -> JsonObject:
    """Send a line and read the answer; raises ConnectionError or EOFError when the process has ended."""
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(line)
    await process.stdin.drain()
    answer = await process.stdout.readline()
    if not answer.endswith(b"\n"):
        raise EOFError
    value: JsonObject = json.loads(answer)
    return value
