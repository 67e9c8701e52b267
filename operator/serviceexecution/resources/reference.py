"""How rooms name one execution."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ExecutionReference:
    """One ServiceExecution, told apart from an earlier one of the same name by its uid."""

    namespace: str
    name: str
    uid: str
