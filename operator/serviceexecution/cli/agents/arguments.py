"""What the tools that are there for every namespace take: their input schemas, and the check of what an agent sends."""

from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serviceexecution.cli.agents.answers import MOST_EXECUTIONS
from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.json_types import JsonObject

MOST_LINES: Final = 1000

_Name = Annotated[str, Field(min_length=1, max_length=253)]


class Arguments(BaseModel):
    """What a tool takes: nothing beside its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoArguments(Arguments):
    """Nothing."""


class OfService(Arguments):
    """A service by its name."""

    service: _Name = Field(description="Name of a service.")


class OfRun(OfService):
    """What is run."""

    input: dict[str, object] = Field(
        default_factory=dict, description="The input, as the service's schema says: see services_describe."
    )


class OfExecution(Arguments):
    """An execution by its id."""

    id: _Name = Field(description="Id of an execution.")


class OfLog(OfExecution):
    """Lines of a log."""

    lines: int = Field(default=200, ge=1, le=MOST_LINES, description="How many lines at its end.")
    contains: str = Field(default="", max_length=200, description="Only lines with this text in them.")


class OfShownResult(OfExecution):
    """A result."""

    wait: bool = Field(default=True, description="Wait for its end for a while.")


class OfResult(OfShownResult):
    """A result whose files may be saved."""

    save: bool = Field(default=False, description="Save all files of the result on this machine.")


class OfList(Arguments):
    """Executions that are listed."""

    service: str = Field(default="", max_length=253, description="Only executions of this service.")
    phase: str = Field(
        default="",
        max_length=20,
        description="Only executions in this phase: Pending, Running, Succeeded, Failed or Cancelled.",
    )
    limit: int = Field(default=20, ge=1, le=MOST_EXECUTIONS, description="How many, the newest first.")


_A = TypeVar("_A", bound=Arguments)


def schema_of(model: type[Arguments]) -> JsonObject:
    """Return the input schema of a tool, without what only programmers read."""
    schema: JsonObject = model.model_json_schema()
    properties = schema.get("properties")
    for found in properties.values() if isinstance(properties, dict) else ():
        if isinstance(found, dict):
            found.pop("title", None)
    return {name: value for name, value in schema.items() if name not in {"title", "description"}}


def read(model: type[_A], given: dict[str, object] | None) -> _A:
    """Return the arguments of a call; raises CommandError that names each that is wrong."""
    try:
        return model.model_validate(given or {})
    except ValidationError as error:
        said = (
            f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}" for one in error.errors()[:5]
        )
        raise CommandError(f"{'; '.join(said)}.") from None
