"""What lists show, and what they should show and do not."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Protocol

from serviceexecution.kube.versions import number_of


class Known(Protocol):
    """What is known of any object."""

    @property
    def uid(self) -> str:
        """Return its uid."""
        ...

    @property
    def namespace(self) -> str:
        """Return its namespace."""
        ...

    @property
    def resource_version(self) -> str:
        """Return the version in which it is known."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What a list has shown: of one namespace, or of the whole cluster."""

    uids: Set[str]
    version: int
    """The resource version that the list is of."""
    namespace: str | None = None
    """None: the whole cluster."""

    def lacks(self, metadata: Known) -> bool:
        """Tell whether the list would show the object if there were one still. What is newer may not be shown yet."""
        return (
            metadata.uid not in self.uids
            and self.namespace in {None, metadata.namespace}
            and number_of(metadata.resource_version) <= self.version
        )
