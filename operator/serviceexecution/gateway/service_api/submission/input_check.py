"""Whether an input fits its service: data pools that it allows, and its schema."""

import json
import math
from http import HTTPStatus

import structlog

from serviceexecution.contract.input.data_pools import find_data_pools
from serviceexecution.contract.input.submission import Submission, input_text
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.submission.beside import beside
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.schemas.checker import (
    CheckerUnavailableError,
    SchemaSuspendedError,
    SchemaTimeoutError,
)
from serviceexecution.schemas.rules import SchemaFault, SchemaUnusableError

logger = structlog.stdlib.get_logger()


async def check_input(context: ServiceContext, definition: ServiceDefinition, submission: Submission) -> None:
    """Raise Problem 422 or 503 for an input that does not fit."""
    rules = definition.spec.data_pool_rules
    if rules is not None:
        properties = submission.properties
        size = sum(map(len, properties.values()))
        pools = await beside(definition.metadata.namespace, size, find_data_pools, properties, field="$")
        for pool in pools.values():
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
