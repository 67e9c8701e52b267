"""What the watch needs of an index of objects."""

from typing import Protocol

from serviceexecution.contract.json_types import JsonObject


class ObjectIndex(Protocol):
    """The newest known state of objects of one kind."""

    def put(self, body: JsonObject) -> object:
        """Take an object unless a newer state is known."""

    def drop(self, namespace: str, name: str, uid: str) -> None:
        """Forget a deleted object."""

    def names(self, namespace: str | None) -> list[tuple[str, str]]:
        """Return namespace and name of all, or of one namespace."""

    def drop_unlisted(self, names: list[tuple[str, str]], listed: set[str], version: int) -> None:
        """Forget those of ``names`` that a list as of ``version`` does not show; ``listed`` holds its uids."""
