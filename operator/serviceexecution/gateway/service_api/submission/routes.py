"""``POST /``: start an execution."""

import asyncio
import json
import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, ParamSpec, TypeVar
from uuid import uuid4

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.contract.input.data_pools import find_data_pools
from serviceexecution.contract.input.input_text import INPUT_LIMIT
from serviceexecution.contract.input.submission import (
    InputTooLargeError,
    Submission,
    input_text,
    parse_submission,
    too_large,
)
from serviceexecution.contract.problems import InputError
from serviceexecution.fairness.allowances import Allowances
from serviceexecution.fairness.turns import FairTurns, NoTurnError
from serviceexecution.fairness.work import SMALL_BYTES, THREADS
from serviceexecution.gateway.access.rights import RUN
from serviceexecution.gateway.http.bodies.reading import content_length, whole_body
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.service_api.context import Call, ServiceContext
from serviceexecution.gateway.service_api.paths import BASE_PATHS
from serviceexecution.gateway.service_api.submission.idempotency import (
    HEADER,
    check_key,
    execution_id,
    request_digest,
)
from serviceexecution.gateway.service_api.submission.objects import submission_objects
from serviceexecution.gateway.service_api.submission.readiness import ready_definition
from serviceexecution.gateway.service_api.submission.submitter import Submitted, Submitter
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.schemas.checker import (
    CheckerUnavailableError,
    SchemaSuspendedError,
    SchemaTimeoutError,
)
from serviceexecution.schemas.rules import SchemaFault, SchemaUnusableError

_P = ParamSpec("_P")
_R = TypeVar("_R")
logger = structlog.stdlib.get_logger()
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


class _NoInputError(Problem):
    """The body is no input."""


def submit_router(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter(redirect_slashes=False)
    submitter = Submitter(context.client)
    most = context.settings.submissions
    turns = FairTurns(most, per_key=max(1, most // _NAMESPACES), waiting_per_key=_WAITING_PER_NAMESPACE)
    large = FairTurns(_LARGE_AT_ONCE, per_key=1, waiting_per_key=_WAITING_PER_NAMESPACE)
    allowances = Allowances(rate=BYTES_PER_SECOND, saved=SAVED_BYTES)

    async def in_turn(call: Call, namespace: str, body: bytes, key: str | None) -> Submitted:
        if len(body) <= _LARGE_BYTES:
            return await _submit(context, submitter, call, body, key)
        async with large.turn(namespace, wait=_TURN_SECONDS):
            return await _submit(context, submitter, call, body, key)

    async def submit(request: Request, namespace: str, service: str) -> Response:
        call = await context.service(
            request,
            namespace,
            service,
            verb=RUN.verb,
            resource=RUN.resource,
            subresource=RUN.subresource,
        )
        _check_head(request)
        key = check_key(request.headers.get(HEADER))
        announced = content_length(request) or 0
        try:
            await allowances.take(namespace, announced, patience=_TURN_SECONDS)
            async with turns.turn(namespace, wait=_TURN_SECONDS):
                body = await _body(request, context.settings)
                allowances.spend(namespace, len(body) - announced)
                # From here on a client that goes away does not undo what it asked for
                submitted = await asyncio.shield(in_turn(call, namespace, body, key))
        except _NoInputError:
            allowances.spend(namespace, REFUSED_AGAIN * len(body))
            raise
        except NoTurnError:
            raise unavailable("Busy", "Too many submissions to the namespace at once; try again.") from None
        return await _answer(context, call, submitted)

    for path in BASE_PATHS:
        router.add_api_route(path, submit, methods=["POST"])
    return router


async def _submit(
    context: ServiceContext, submitter: Submitter, call: Call, body: bytes, key: str | None
) -> Submitted:
    metadata = call.definition.metadata
    digest = None if key is None else request_digest(key, body)
    name = str(uuid4()) if key is None else execution_id(metadata.uid, call.caller.username, key)
    if digest is not None:
        # Before anything is checked: a definition that has changed since does not turn a repeated request away
        found = await submitter.find(metadata.namespace, name, digest)
        if found is not None:
            return found
    definition = await context.whole_definition(await ready_definition(context, call.definition))
    namespace, size = metadata.namespace, len(body)
    submission = await _beside(namespace, size, _parsed, body)
    await _check_input(context, definition, submission)
    username = call.caller.username
    objects = await _beside(
        namespace,
        size,
        submission_objects,
        submission,
        name=name,
        service=metadata.name,
        username=username,
        digest=digest,
    )
    submitted = await submitter.submit(metadata.namespace, name, objects, digest)
    context.state.note(submitted.execution)
    return submitted


async def _beside(
    namespace: str, size: int, function: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs
) -> _R:
    """Return what the function makes of ``size`` bytes, in a thread if that takes long; raises Problem 503."""
    if size <= SMALL_BYTES:
        return function(*args, **kwargs)
    try:
        return await THREADS.run(namespace, function, *args, **kwargs)
    except NoTurnError:
        raise unavailable("Busy", "Too many large submissions at once; try again.") from None


async def _answer(context: ServiceContext, call: Call, submitted: Submitted) -> Response:
    execution = context.state.note(submitted.execution)
    if execution is None:
        raise unavailable("TryAgain", "The execution cannot be read by this version of the gateway.")
    return JSONResponse(
        await context.view(execution),
        HTTPStatus.CREATED if submitted.new else HTTPStatus.OK,
        headers={"Location": f"{call.base}/{context.state.id_of(execution)}"},
    )


def _check_head(request: Request) -> None:
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
    if length.isascii() and length.isdecimal() and int(length[:20]) > INPUT_LIMIT:
        raise _too_large()


async def _body(request: Request, settings: GatewaySettings) -> bytes:
    """Return the body, never more than its limit; raises Problem 400, 408 or 413."""
    refusal = _too_large()
    try:
        # In all as well: a sender of a byte a minute would keep one of few places.
        return await whole_body(
            request, settings.body_idle_seconds, INPUT_LIMIT, refusal, settings.input_seconds
        )
    except ClientDisconnect:
        raise Problem(HTTPStatus.BAD_REQUEST, "BodyIncomplete", "The body is incomplete.") from None
    except Problem as problem:
        if problem is refusal:
            raise
        raise Problem(problem.status, problem.code, "The body did not arrive in time.") from None


def _parsed(body: bytes) -> Submission:
    try:
        return parse_submission(body)
    except InputTooLargeError:
        raise _too_large() from None
    except InputError as error:
        raise _NoInputError(
            HTTPStatus.BAD_REQUEST, "InvalidInput", str(error), members={"path": error.path}
        ) from None


def _too_large() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "InputTooLarge",
        too_large(INPUT_LIMIT),
        members={"limit": INPUT_LIMIT},
    )


async def _check_input(
    context: ServiceContext, definition: ServiceDefinition, submission: Submission
) -> None:
    rules = definition.spec.data_pool_rules
    if rules is not None:
        for pool in find_data_pools(submission.properties, field="$").values():
            if pool.id not in rules.allowed:
                fault = SchemaFault(
                    f"$[{json.dumps(pool.property)}]", "The service does not allow this data pool."
                )
                raise _unfit([fault])
    schema = definition.input_schema
    if schema is None:
        return
    try:
        faults = await context.schemas.check(schema, input_text(submission.properties))
    except (SchemaUnusableError, SchemaTimeoutError, SchemaSuspendedError) as error:
        if definition.spec.input_schema is None:
            # Made from a signature by a build: it helps, and must not stand in the way
            logger.warning("input not checked", service=definition.metadata.name, error=str(error))
            return
        if isinstance(error, SchemaTimeoutError):
            raise _unfit([SchemaFault("$", str(error))]) from None
        if isinstance(error, SchemaSuspendedError):
            raise _suspended(error) from None
        raise unavailable("ServiceNotReady", f"The service's input schema is wrong: {error}") from None
    except CheckerUnavailableError as error:
        raise unavailable("CheckUnavailable", str(error)) from None
    if faults:
        raise _unfit(list(faults))


def _suspended(error: SchemaSuspendedError) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "CheckUnavailable",
        str(error),
        headers={"Retry-After": str(math.ceil(error.seconds))},
    )


def _unfit(faults: list[SchemaFault]) -> Problem:
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "InputInvalid",
        f"The input does not fit the service: {first.path}: {first.message}{more}",
        members={"errors": [{"path": fault.path, "message": fault.message} for fault in faults]},
    )
