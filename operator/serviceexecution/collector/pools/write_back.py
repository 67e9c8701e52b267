"""Brings what the program has changed in data pools to the gateway, which makes it their state with the commit."""

from __future__ import annotations

import os

from ..gateway_client import (
    ChangedError,
    MismatchError,
    NotSucceededError,
    RefusedError,
    UnavailableError,
)
from ..log import log
from ..walk import reason_of
from .changes import find_changes, open_file, state_lines
from .files import read_index
from .pool_client import PoolClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from ..settings import Settings

_TRIES: Final = 5
_NOT_KEPT: Final = "NotKept"
_MAX_WORDS: Final = 1000


def write_back_all(settings: Settings, deadline: float) -> list[dict[str, str]]:
    """Return, for each data pool in which something was changed, the state that was put together, or why there is none.

    Raises GaveUpError, GoneError, AlreadyCommittedError.
    """
    said: list[dict[str, str]] = []
    for name in settings.writable_pools:
        try:
            index = WriteBack(settings, name, deadline).run()
        except NotSucceededError as error:
            log("changes of data pools are not kept", why=str(error))
            return []
        except RefusedError as error:
            said.append(_not_kept(name, str(error), error.code))
        except (UnavailableError, MismatchError) as error:
            said.append(_not_kept(name, str(error)))
        except ChangedError as error:
            said.append(_not_kept(name, f"{error}: it kept changing while it was read."))
        except OSError as error:
            said.append(_not_kept(name, f"{error.filename}: {reason_of(error)}."))
        else:
            if index is not None:
                said.append({"property": name, "index": index})
    return said


class WriteBack:
    """The writing back of one data pool."""

    def __init__(self, settings: Settings, name: str, deadline: float) -> None:
        self._name = name
        self._path = f"{settings.data_pool_directory}/{name}"
        self._client = PoolClient(settings, name)
        self._client.deadline = deadline
        self._sent: dict[str, tuple[int, str]] = {}

    def run(self) -> str | None:
        """Return the digest of the changed state, None when nothing has changed.

        Raises RefusedError, also for what can be in no data pool, UnavailableError, MismatchError, ChangedError,
        NotSucceededError, and OSError with a ``filename``.
        """
        listed = read_index(self._client.index())
        directory = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            changes = find_changes(directory, listed)
            if not changes:
                return None
            if changes.obstacles:
                raise RefusedError(0, changes.obstacle(), _NOT_KEPT)
            log("writing data pool", pool=self._name, put=len(changes.put), deleted=len(changes.deleted))
            for name in changes.put:
                self._send(directory, name)
            return self._put_together(directory, changes.deleted)
        finally:
            os.close(directory)

    def _send(self, directory: int, name: str) -> None:
        descriptor = open_file(directory, name)
        try:
            size = os.fstat(descriptor).st_size
            digest = self._client.put(name, descriptor, size)
        finally:
            os.close(descriptor)
        self._sent[name] = (size, digest.hex())

    def _put_together(self, directory: int, deleted: Iterable[str]) -> str | None:
        def body() -> Iterator[bytes]:
            return state_lines(((name, *sent) for name, sent in self._sent.items()), deleted)

        for _ in range(_TRIES):
            try:
                return self._client.put_together(body)
            except MismatchError as error:
                if error.path not in self._sent:
                    raise
                log("a file is uploaded again", path=error.path)
                self._send(directory, error.path)
        raise MismatchError("again and again")


def _not_kept(name: str, message: str, reason: str = "") -> dict[str, str]:
    log("a data pool is not written", pool=name, why=message)
    return {"property": name, "reason": reason or _NOT_KEPT, "message": message[:_MAX_WORDS]}
