"""Whether a run that failed is tried again: what an execution may ask for, and a service for its executions."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, model_validator

from serviceexecution.resources.model import ResourceModel
from serviceexecution.resources.pod_fields import ResourceQuantity

MOST_ATTEMPTS: Final = 10
_SAY_WHEN: Final = (
    "say when to try again: give onExitCodes, onReasons or onOutOfMemory, or maxAttempts: 1 for never"
)


class RetryReason(StrEnum):
    """Ends after which another attempt may succeed, as ``status.reason`` would name them."""

    PROGRAM_FAILED = "ProgramFailed"
    OUT_OF_MEMORY = "OutOfMemory"
    TIMEOUT = "Timeout"
    RESULT_MISSING = "ResultMissing"
    PREEMPTED = "Preempted"
    EVICTED = "Evicted"
    POD_LOST = "PodLost"
    NOT_STARTED = "NotStarted"
    NODE_REFUSED = "NodeRefused"
    INIT_CONTAINER_FAILED = "InitContainerFailed"
    START_FAILED = "StartFailed"
    START_TIMEOUT = "StartTimeout"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    UNSCHEDULABLE = "Unschedulable"


class OutOfMemoryRetry(ResourceModel):
    """How much more memory the next attempt gets after one that was killed for its memory."""

    memory_factor: Annotated[float, Field(ge=1.1, le=10)]
    """By what the memory limit is multiplied, 1.1 to 10. A request that is given grows as much."""
    max_memory: ResourceQuantity
    """The largest memory limit. A run that needs more ends as OutOfMemory."""


class Retry(ResourceModel):
    """When a program that has failed is run again. Without it, never after it has started."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": (
                        "self.maxAttempts == 1 || has(self.onExitCodes) || has(self.onReasons) || "
                        "has(self.onOutOfMemory)"
                    ),
                    "message": _SAY_WHEN,
                }
            ]
        }
    )

    max_attempts: Annotated[int, Field(ge=1, le=MOST_ATTEMPTS)]
    """How often the program is run at most, the first time included, 1 to 10. The timeout counts for each attempt."""
    on_exit_codes: (
        Annotated[tuple[Annotated[int, Field(ge=1, le=255)], ...], Field(min_length=1, max_length=64)] | None
    ) = None
    """Exit codes of the program after which it is run again, such as 75."""
    on_reasons: Annotated[tuple[RetryReason, ...], Field(min_length=1, max_length=16)] | None = None
    """Reasons after which the program is run again. ProgramFailed stands for every exit code."""
    on_out_of_memory: OutOfMemoryRetry | None = None
    """Runs a program that was killed for its memory again, with more."""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.max_attempts > 1 and not (self.on_exit_codes or self.on_reasons or self.on_out_of_memory):
            raise ValueError(_SAY_WHEN)
        return self
