"""Checks values against schemas in worker processes, within a bounded time and in turns by who pays for it."""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.fairness.payers import current_payer
from serviceexecution.schemas.errors import CheckerUnavailableError, SchemaSuspendedError, SchemaTimeoutError
from serviceexecution.schemas.memory import SlowSchemas, Verdict, Verdicts
from serviceexecution.schemas.processes import Processes, Question
from serviceexecution.schemas.rules import MASKED, SchemaFault, SchemaUnusableError
from serviceexecution.schemas.worker import OPENAPI, OPENAPI_WITH_OUTPUT

__all__ = ["CheckerUnavailableError", "SchemaChecker", "SchemaSuspendedError", "SchemaTimeoutError"]

CHECK_SECONDS: Final = 3.0
"""How long one check may take; one of the largest input against an ordinary schema takes some milliseconds."""
_SECONDS_PER_BYTE: Final = 1 / 1024**2
"""What a large value may take besides."""
SMALL_BYTES: Final = 128 * 1024
"""Longest value of a small check: it needs 10 MiB of memory, beside the 30 of a process that does nothing."""
SMALL_MEMORY_BYTES: Final = 64 * 1024**2
MEMORY_BYTES: Final = 128 * 1024**2
"""Address space of the process for the largest input, which uses a half."""
LARGE_MEMORY_BYTES: Final = 288 * 1024**2
"""The same for a large value, of up to 16 MiB.

Two small processes and the one for inputs have 256 MiB at most, in the gateway and in the controller. The large one has
the place of the one for inputs and of a small one: 352 MiB, of which the controller's limit of 512 leaves it 160.
Kubernetes ends all processes of a container that goes beyond it."""
LARGE_BYTES: Final = 1_500_000
"""Longest value that is no large one."""

_SMALL_PROCESSES: Final = 2
_SMALL_WAIT_SECONDS: Final = 10.0
_WAIT_SECONDS: Final = 30.0
"""How long a larger value waits for its turn; a large one may take 19 s."""
_LARGE: Final = "\0large"
"""Who holds the turn of the small process whose memory a large value uses. No namespace has this name."""


@dataclass(frozen=True, slots=True)
class ServiceSchemas:
    """The schemas in an OpenAPI text; None for what it does not say, or was not asked for."""

    input: JsonObject | None
    output: JsonObject | None


class SchemaChecker:
    """State owner of the worker processes and of what they have found out.

    Small values, schemas without a value, and larger values have processes of their own, so that slow larger values
    hold up no small one. A namespace has one process of each kind at a time, and its turn comes after those of others.
    """

    def __init__(self, *, seconds: float = CHECK_SECONDS, says_values: bool = True) -> None:
        """``seconds`` is what one check may take, without waiting for its turn.

        Unless it ``says_values`` a fault names only place and rule: a reader of the status may have no right to read
        the input or the result.
        """
        self._seconds = seconds
        words = () if says_values else (MASKED,)
        self._small = Processes(
            _SMALL_PROCESSES, memory=SMALL_MEMORY_BYTES, wait_seconds=_SMALL_WAIT_SECONDS, words=words
        )
        self._ordinary = Processes(1, memory=MEMORY_BYTES, wait_seconds=_WAIT_SECONDS, words=words)
        self._large = Processes(1, memory=LARGE_MEMORY_BYTES, wait_seconds=_WAIT_SECONDS, words=words)
        self._verdicts = Verdicts()
        self._slow = SlowSchemas()

    async def check(self, schema: JsonObject, text: str) -> tuple[SchemaFault, ...]:
        """Return where the JSON ``text`` does not fit ``schema``; nothing when it fits.

        Raises SchemaUnusableError when the schema is wrong, SchemaTimeoutError when the check takes too long,
        CheckerUnavailableError, which is SchemaSuspendedError for a schema that took too long several times.
        """
        if len(text) > LARGE_BYTES:
            data, digest = await asyncio.to_thread(_encoded, text)
        else:
            data, digest = _encoded(text)
        return await self._judge(Question(_json(schema), data), digest)

    async def check_schema(self, schema: JsonObject) -> None:
        """Raise SchemaUnusableError when ``schema`` cannot be used, SchemaTimeoutError when that takes too long,
        CheckerUnavailableError.
        """
        await self._judge(Question(_json(schema)), b"")

    async def schemas_in(self, openapi: bytes, *, with_output: bool) -> ServiceSchemas:
        """Return the schemas of a service in its OpenAPI text, YAML or JSON, which can be used.

        Raises SchemaUnusableError when they cannot, SchemaTimeoutError, CheckerUnavailableError.
        """
        payer = current_payer()
        suspect = hashlib.sha256(
            "\0".join((payer.group, payer.name, payer.part, "openapi")).encode()
        ).digest()
        question = Question(OPENAPI_WITH_OUTPUT if with_output else OPENAPI, openapi)
        async with self._ordinary.turn(payer.namespace):
            self._slow.begin(suspect)
            answer = await self._answered(self._ordinary, question, self._seconds, suspect)
        if isinstance(unusable := answer.get("unusable"), str):
            raise SchemaUnusableError(unusable)
        found, result = answer.get("input"), answer.get("output")
        return ServiceSchemas(
            found if isinstance(found, dict) else None, result if isinstance(result, dict) else None
        )

    async def close(self) -> None:
        """End the processes."""
        for processes in (self._small, self._ordinary, self._large):
            await processes.close()

    async def _judge(self, question: Question, value_digest: bytes) -> tuple[SchemaFault, ...]:
        payer = current_payer()
        schema_digest = hashlib.sha256(question.schema).digest()
        # Nobody learns from how long it takes what another namespace has had checked
        key = hashlib.sha256(payer.namespace.encode() + b"\0" + schema_digest + value_digest).digest()
        verdict = self._verdicts.get(key)
        if verdict is None:
            whose = hashlib.sha256("\0".join((payer.group, payer.name, payer.part)).encode()).digest()
            verdict = await self._found_out(question, payer.namespace, whose + schema_digest)
            self._verdicts.put(key, verdict)
        if isinstance(verdict, SchemaUnusableError):
            raise SchemaUnusableError(str(verdict))
        return verdict

    async def _found_out(self, question: Question, namespace: str, suspect: bytes) -> Verdict:
        size = len(question.text or b"")
        if size > LARGE_BYTES:
            async with self._ordinary.turn(namespace), self._small.turn(_LARGE):
                self._slow.begin(suspect)
                await self._ordinary.shrink()
                await self._small.shrink()
                try:
                    seconds = self._seconds + size * _SECONDS_PER_BYTE
                    return await self._asked(self._large, question, seconds, suspect)
                finally:
                    await asyncio.shield(self._large.shrink())
        processes = self._small if size <= SMALL_BYTES else self._ordinary
        async with processes.turn(namespace):
            self._slow.begin(suspect)  # After the wait: those who came before may have taken too long
            return await self._asked(processes, question, self._seconds, suspect)

    async def _asked(
        self, processes: Processes, question: Question, seconds: float, suspect: bytes
    ) -> Verdict:
        return _verdict(await self._answered(processes, question, seconds, suspect))

    async def _answered(
        self, processes: Processes, question: Question, seconds: float, suspect: bytes
    ) -> JsonObject:
        try:
            answer = await processes.ask(question, seconds=seconds)
        except SchemaTimeoutError:
            self._slow.took_too_long(suspect)
            raise
        self._slow.ended(suspect)
        return answer


def _verdict(answer: JsonObject) -> Verdict:
    if isinstance(unusable := answer.get("unusable"), str):
        return SchemaUnusableError(unusable)
    found = answer.get("faults")
    pairs = found if isinstance(found, list) else []
    return tuple(
        SchemaFault(str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list) and len(pair) == 2
    )


def _json(schema: JsonObject) -> bytes:
    try:
        return json.dumps(schema).encode()
    except RecursionError:
        raise SchemaUnusableError("The schema is nested too deeply.") from None


def _encoded(text: str) -> tuple[bytes, bytes]:
    """Return the bytes and their digest; half a surrogate pair has no UTF-8 form, and no JSON has it but escaped."""
    data = text.encode(errors="surrogatepass")
    return data, hashlib.sha256(data).digest()
