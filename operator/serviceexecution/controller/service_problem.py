"""Why no execution of a service can start, and what is said of values that do not fit its schemas."""

from typing import Final, Protocol

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.executions.planning.service import definition_problem
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.schemas.checker import SchemaTimeoutError
from serviceexecution.schemas.rules import SchemaFault, SchemaUnusableError

FAULTS_SAID: Final = 5


class Checker(Protocol):
    """What checks values against schemas (``schemas.checker.SchemaChecker``)."""

    async def check(self, schema: JsonObject, text: str) -> tuple[SchemaFault, ...]:
        """Return where the JSON text does not fit; raises SchemaUnusableError and SchemaTimeoutError."""
        ...

    async def check_schema(self, schema: JsonObject) -> None:
        """Raise SchemaUnusableError or SchemaTimeoutError when the schema cannot be used."""
        ...


async def problem_of(definition: ServiceDefinition, checker: Checker) -> str | None:
    """Return in a sentence why no execution of the service can start; None when they can."""
    if (text := definition_problem(definition)) is not None:
        return text
    for field, schema in (
        ("spec.inputSchema", definition.spec.input_schema),
        ("spec.outputSchema", definition.spec.output_schema),
    ):
        if schema is None:
            continue
        try:
            await checker.check_schema(schema)
        except (SchemaUnusableError, SchemaTimeoutError) as error:
            return f"{field}: {error}"
    return None


def said(faults: tuple[SchemaFault, ...]) -> str:
    """Return the first faults as one line."""
    first = "; ".join(f"{fault.path}: {fault.message}" for fault in faults[:FAULTS_SAID])
    more = len(faults) - FAULTS_SAID
    return first + (f"; and {more} more." if more > 0 else "")
