"""The processes that check: a few of bounded memory, used in turns by namespace, and killed when they take too long."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.fairness.turns import FairTurns, NoTurnError
from serviceexecution.schemas.errors import CheckerUnavailableError, SchemaTimeoutError

_START_SECONDS: Final = 30.0
_LONGEST_ANSWER: Final = 1024 * 1024
_PIECE_BYTES: Final = 256 * 1024
_WAITING_PER_NAMESPACE: Final = 64
"""Checks of one namespace that wait: the last of more would wait for minutes where each takes all of its time."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a process is asked: a schema as JSON, and a value as JSON unless only the schema is looked at; or one of
    the words of ``worker``, and a text.
    """

    schema: bytes
    text: bytes | None = None

    @property
    def head(self) -> bytes:
        """What comes before the value's bytes, which follow as they are: a large one is copied into no other text."""
        length = "" if self.text is None else str(len(self.text))
        return b"%b\n%b\n" % (length.encode(), self.schema)


class Processes:
    """State owner of processes with the same limit of memory. They start when needed, and new ones replace killed ones.

    One namespace has one of them at a time, so that with two or more nobody waits only for another's slow schema.
    """

    def __init__(self, number: int, *, memory: int, wait_seconds: float, words: tuple[str, ...] = ()) -> None:
        """``wait_seconds`` is how long one waits for a turn; ``words`` are further arguments of each process."""
        self._memory = memory
        self._words = words
        self._wait_seconds = wait_seconds
        self._turns = FairTurns(number, per_key=1, waiting_per_key=_WAITING_PER_NAMESPACE)
        self._idle: list[asyncio.subprocess.Process] = []
        self.running: set[asyncio.subprocess.Process] = set()

    @contextlib.asynccontextmanager
    async def turn(self, namespace: str) -> AsyncGenerator[None, None]:
        """Hold a turn; raises CheckerUnavailableError when none comes in time."""
        try:
            async with self._turns.turn(namespace, wait=self._wait_seconds):
                yield
        except NoTurnError:
            raise CheckerUnavailableError(
                "Too many checks of the namespace's schemas wait; try again later."
            ) from None

    async def ask(self, question: Question, *, seconds: float) -> JsonObject:
        """Ask a process; said with a turn. Raises SchemaTimeoutError, CheckerUnavailableError."""
        process = self._idle.pop() if self._idle else None
        try:
            if process is None or process.returncode is not None:
                if process is not None:
                    await self._end(process)
                process = await self._start()
            answer = await _answer(process, question, seconds, self._memory)
        except BaseException:
            if process is not None:
                await asyncio.shield(self._end(process))
            raise
        self._idle.append(process)
        return answer

    async def shrink(self) -> None:
        """End a process that has nothing to do, whose memory something else needs; said with a turn."""
        if self._idle:
            await self._end(self._idle.pop())

    async def close(self) -> None:
        """End the processes."""
        self._idle.clear()
        for process in list(self.running):
            await self._end(process)

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "serviceexecution.schemas.worker", str(self._memory), *self._words),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_ANSWER,
            )
        except OSError as error:
            raise CheckerUnavailableError(
                f"The process that checks schemas does not start: {error}"
            ) from None
        self.running.add(process)
        try:
            # Its start is not the check's time
            async with asyncio.timeout(_START_SECONDS):
                await _exchange(process, Question(b"{}"))
        except (TimeoutError, ConnectionError, EOFError):
            await self._end(process)
            raise CheckerUnavailableError("The process that checks schemas does not start.") from None
        except BaseException:
            await asyncio.shield(self._end(process))
            raise
        return process

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        self.running.discard(process)


async def _answer(
    process: asyncio.subprocess.Process, question: Question, seconds: float, memory: int
) -> JsonObject:
    try:
        async with asyncio.timeout(seconds):
            return await _exchange(process, question)
    except (TimeoutError, ConnectionError, EOFError):
        raise SchemaTimeoutError(
            f"The check did not end within {seconds:.0f} s and {memory // 1024**2} MiB; "
            "simplify the schema or the value."
        ) from None


async def _exchange(process: asyncio.subprocess.Process, question: Question) -> JsonObject:
    """Send a question and read the answer; raises ConnectionError or EOFError when the process has ended."""
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(question.head)
    rest = memoryview(question.text or b"")
    for start in range(0, len(rest), _PIECE_BYTES):
        await process.stdin.drain()
        process.stdin.write(rest[start : start + _PIECE_BYTES])
    await process.stdin.drain()
    answer = await process.stdout.readline()
    if not answer.endswith(b"\n"):
        raise EOFError
    value: JsonObject = json.loads(answer)
    return value
