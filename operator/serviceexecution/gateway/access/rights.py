"""The rights to write that this gateway asks about. The API server itself serves none of these subresources.

So who holds them alone can do by kubectl nothing of what the gateway does for its callers: ``create serviceexecutions``
itself is the right to run any image with any Secret of the namespace.
"""

from dataclasses import dataclass
from typing import Final

from serviceexecution.resources.names import DEFINITION_PLURAL, PLURAL, POOL_PLURAL

SUBMIT_ROLE: Final = "<release>-submit"


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a subresource of one of our resources, as a Role names them."""

    verb: str
    resource: str
    subresource: str
    instead_of: str = ""
    """The right that older versions asked for: those who hold only it are told."""


RUN: Final = Right("create", DEFINITION_PLURAL, "run", instead_of=f"create {PLURAL}")
"""To submit to a service. Asked with the service's name: a Role may grant single services by ``resourceNames``."""

CANCEL: Final = Right("update", PLURAL, "cancel", instead_of=f"patch {PLURAL}")
"""To stop an execution."""

DELETE: Final = Right("delete", PLURAL, "results")
"""To delete an execution that has ended, with its log and its result."""

UPLOAD_SOURCE: Final = Right("create", DEFINITION_PLURAL, "source")
"""To upload what services are built from to the namespace."""

WRITE_POOLS: Final = Right("create", POOL_PLURAL, "files")
"""To put files into the data pools of the namespace, by uploads or by programs."""

_MOVED: Final = {(right.verb, right.resource, right.subresource): right for right in (RUN, CANCEL)}


def advice(verb: str, resource: str, subresource: str) -> str:
    """Return the sentence that says how a right that has moved is granted, with a space before it; else ""."""
    right = _MOVED.get((verb, resource, subresource))
    if right is None:
        return ""
    return (
        f" Bind the chart's ClusterRole {SUBMIT_ROLE}, or add that right to the account's Role:"
        f" {right.instead_of} is not asked for any more."
    )
