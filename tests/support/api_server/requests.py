"""What was asked of the API server in memory, and how a request ends otherwise than its client expects."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from serviceexecution.kube.errors import KubernetesError

WRITES: Final = frozenset({"create", "patch", "delete"})


class Crash(Exception):  # noqa: N818 - it is no error of the program, but its end
    """The process of the client ends here."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. Namespace and form are told, but two requests are equal without them."""

    verb: str
    resource: str
    """The kind's plural, with "/status" or "/token" for such a subresource."""
    name: str
    namespace: str | None = field(default=None, compare=False)
    metadata_only: bool = field(default=False, compare=False)


Hook: TypeAlias = Callable[[Request, str], None]
"""Called with each request and "before" or "after"; what it raises is what the client gets."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What one request meets, before or after it took effect."""

    verb: str
    plural: str
    error: Exception
    after: bool

    def meets(self, request: Request) -> bool:
        """Tell whether this is the request; its subresource does not matter."""
        return (request.verb, request.resource.partition("/")[0]) == (self.verb, self.plural)


def refusal(status: int, message: str) -> KubernetesError:
    """Return what the client raises for a refused request."""
    return KubernetesError(message, status=status, reason="Forbidden" if status == 403 else "Invalid")
