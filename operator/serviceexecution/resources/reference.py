"""How rooms name one execution."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ExecutionReference:
    """One ServiceExecution, told apart from an earlier one of the same name by its uid."""

    namespace: str
    name: str
    uid: str


def revision_reference(
    namespace: str, definition: str, definition_uid: str, revision: str
) -> ExecutionReference:
    """Return under what name a build is logged and stored: as if it were an execution of that name and uid."""
    return ExecutionReference(namespace, f"{definition}.{revision}", f"{definition_uid}.{revision}")


def definition_of(reference: ExecutionReference) -> tuple[str, str] | None:
    """Return namespace and name of the definition whose build it is; None for an execution."""
    if "." not in reference.uid:
        return None
    return reference.namespace, reference.name.rpartition(".")[0]
