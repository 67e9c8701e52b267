"""Takes submissions in: bodies in turns, then the checks, then the objects. One for all APIs of a gateway."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Final
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request

from serviceexecution.contract.input.input_text import INPUT_LIMIT
from serviceexecution.contract.input.submission import (
    InputTooLargeError,
    Submission,
    parse_submission,
    too_large,
)
from serviceexecution.contract.problems import InputError
from serviceexecution.fairness.allowances import Allowances
from serviceexecution.fairness.turns import FairTurns, NoTurnError, Use
from serviceexecution.gateway.http.bodies.reading import content_length, whole_body
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.service_api.context import Call, ServiceContext
from serviceexecution.gateway.service_api.submission.beside import beside
from serviceexecution.gateway.service_api.submission.idempotency import execution_id, request_digest
from serviceexecution.gateway.service_api.submission.input_check import check_input
from serviceexecution.gateway.service_api.submission.input_retention import retention_seconds
from serviceexecution.gateway.service_api.submission.modified_pools import modified_pools
from serviceexecution.gateway.service_api.submission.objects import submission_objects
from serviceexecution.gateway.service_api.submission.readiness import ready_definition
from serviceexecution.gateway.service_api.submission.submitter import Submitted, Submitter
from serviceexecution.resources.execution_token import execution_token

_TURN_SECONDS: Final = 10.0
"""How long a submission waits for its turn before it is told to come back."""
_NAMESPACES: Final = 4
"""Namespaces whose submissions may take all of the time they have, such as a body sent drop by drop or a slow schema,
before others wait for their end."""
_WAITING_PER_NAMESPACE: Final = 200
_LARGE_BYTES: Final = 128 * 1024
"""Longest body that is no large one. To look at a large one, write it and tell those who watch takes all parts of the
cluster some tenths of a second."""
_LARGE_AT_ONCE: Final = 4
"""Large bodies under work at once; one of each namespace, whose others wait behind it."""
BYTES_PER_SECOND: Final = 1_000_000
"""What a namespace may send of bodies for long: each byte is read, parsed, written into etcd and told to all who watch.
"""
SAVED_BYTES: Final = 8_000_000
"""What it may send at once after a rest."""
REFUSED_AGAIN: Final = 4
"""A body that is no input counts so many times more: nothing is parsed for as long as to say what is wrong with it, and
it costs its sender nothing else."""


_APART: Final = 8
_APART_PER_CALLER: Final = 2
"""Bodies that are read before it is known of which service they speak."""


class NoInputError(Problem):
    """The body is no input."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks to run."""

    body: bytes
    """As it came; tells a repeated request from another one."""
    key: str | None
    """The idempotency key."""
    parse: Callable[[bytes], Submission]
    """Makes the input of the body; raises Problem 400, 413."""
    job: str | None = None
    """What the execution says of itself as a job of the platform's API, None when it is none."""
    kept: int = 0
    """Bytes of the input that do not come with the body, since they are kept."""
    parent: str | None = None
    """Uid of the execution whose program asks, None when it is none's."""

    traceparent: str | None = None
    """The caller's trace, checked."""

    @property
    def size(self) -> int:
        """Return the bytes that are looked at and written."""
        return len(self.body) + self.kept


class Intake:
    """State owner of the turns and allowances of submissions."""

    def __init__(self, context: ServiceContext) -> None:
        most = context.settings.submissions
        self._context = context
        self._submitter = Submitter(context.client)
        self._turns = FairTurns(
            most, per_key=max(1, most // _NAMESPACES), waiting_per_key=_WAITING_PER_NAMESPACE
        )
        self._large = FairTurns(_LARGE_AT_ONCE, per_key=1, waiting_per_key=_WAITING_PER_NAMESPACE)
        self._apart = FairTurns(_APART, per_key=_APART_PER_CALLER, waiting_per_key=_WAITING_PER_NAMESPACE)
        self._allowances = Allowances(rate=BYTES_PER_SECOND, saved=SAVED_BYTES)

    @property
    def use(self) -> Use:
        """Return how many turns of submissions are taken."""
        return self._turns.use

    @contextlib.asynccontextmanager
    async def body(
        self, request: Request, payer: str, *, limit: int = INPUT_LIMIT, apart: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Hold a turn with the request's body; raises Problem 400, 408, 413, 415, 503.

        ``payer`` is the namespace, or with ``apart`` a caller of whom it is not known yet what it may run: those have
        turns of their own, and take none from a namespace.
        """
        check_head(request, limit)
        announced, body = content_length(request) or 0, b""
        try:
            await self._allowances.take(payer, announced, patience=_TURN_SECONDS)
            async with (self._apart if apart else self._turns).turn(payer, wait=_TURN_SECONDS):
                body = await self._body(request, limit)
                self._allowances.spend(payer, len(body) - announced)
                yield body
        except NoInputError:
            self._allowances.spend(payer, REFUSED_AGAIN * len(body))
            raise
        except NoTurnError:
            raise unavailable("Busy", "Too many submissions to the namespace at once; try again.") from None

    async def submit(self, call: Call, asked: Asked) -> Submitted:
        """Make the execution that is asked for, or find it; raises Problem, KubernetesError.

        From here on a client that goes away does not undo what it asked for.
        """
        return await asyncio.shield(self._in_turn(call, asked))

    async def pay(self, namespace: str, size: int) -> None:
        """Spend what the namespace may send for bytes that did not come as its body; for use inside of ``body``."""
        await self._allowances.take(namespace, size, patience=_TURN_SECONDS)

    async def _in_turn(self, call: Call, asked: Asked) -> Submitted:
        if asked.size <= _LARGE_BYTES:
            return await self._submit(call, asked)
        async with self._large.turn(call.definition.metadata.namespace, wait=_TURN_SECONDS):
            return await self._submit(call, asked)

    async def _submit(self, call: Call, asked: Asked) -> Submitted:
        context, metadata, username = self._context, call.definition.metadata, call.caller.username
        digest = None if asked.key is None else request_digest(asked.key, asked.body)
        name = str(uuid4()) if asked.key is None else execution_id(metadata.uid, username, asked.key)
        if digest is not None:
            # Before anything is checked: a definition that has changed since does not turn a repeated request away
            found = await self._submitter.find(metadata.namespace, name, digest)
            if found is not None:
                return found
        definition = await context.whole_definition(await ready_definition(context, call.definition))
        namespace, size = metadata.namespace, asked.size
        submission = await beside(namespace, size, asked.parse, asked.body)
        await check_input(context, definition, submission)
        modified = await modified_pools(context, call, definition, submission)
        objects = await beside(
            namespace,
            size,
            submission_objects,
            submission,
            name=name,
            service=metadata.name,
            username=username,
            digest=digest,
            job=asked.job,
            parent=asked.parent,
            traceparent=asked.traceparent,
            token=execution_token(namespace, name, token_urlsafe(32))
            if definition.spec.execution_token
            else None,
            input_retention=retention_seconds(
                definition.spec.input_retention or context.settings.input_retention
            ),
            modified=modified,
        )
        submitted = await self._submitter.submit(metadata.namespace, name, objects, digest)
        context.state.note(submitted.execution)
        return submitted

    async def _body(self, request: Request, limit: int) -> bytes:
        """Return the body, never more than its limit; raises Problem 400, 408 or 413."""
        refusal, settings = input_too_large(), self._context.settings
        try:
            # In all as well: a sender of a byte a minute would keep one of few places.
            return await whole_body(
                request, settings.body_idle_seconds, limit, refusal, settings.input_seconds
            )
        except ClientDisconnect:
            raise Problem(HTTPStatus.BAD_REQUEST, "BodyIncomplete", "The body is incomplete.") from None
        except Problem as problem:
            if problem is refusal:
                raise
            raise Problem(problem.status, problem.code, "The body did not arrive in time.") from None


def check_head(request: Request, limit: int = INPUT_LIMIT) -> None:
    """Raise Problem 413 or 415 for a request whose head says that its body is no input."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in {"", "application/json"}:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            "The input must be JSON: send Content-Type: application/json.",
        )
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedCoding",
            "The input must be sent as it is, without a Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdecimal() and int(length[:20]) > limit:
        raise input_too_large()


def parsed(body: bytes) -> Submission:
    """Return what a body asks for; raises Problem 400, 413."""
    try:
        return parse_submission(body)
    except InputTooLargeError:
        raise input_too_large() from None
    except InputError as error:
        raise NoInputError(
            HTTPStatus.BAD_REQUEST, "InvalidInput", str(error), members={"path": error.path}
        ) from None


def input_too_large() -> Problem:
    """Return the 413 of a body or an input."""
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "InputTooLarge",
        too_large(INPUT_LIMIT),
        members={"limit": INPUT_LIMIT},
    )
