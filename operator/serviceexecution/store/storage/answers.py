"""Whether the store answers: since when all that was asked of it was in vain."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from serviceexecution.store.errors import StoreError, StoreFullError, StoreUnwritableError

NOTICE: Final = timedelta(seconds=10)
"""After which it is said; a request that was lost is no outage."""


class Answers:
    """State owner of the time of the first question in vain after the last answer."""

    def __init__(self) -> None:
        self._since: datetime | None = None

    def away_since(self) -> datetime | None:
        """Return since when nothing was answered, None while something was, or for less than ten seconds."""
        if self._since is None or datetime.now(UTC) - self._since < NOTICE:
            return None
        return self._since

    def away_seconds(self) -> float:
        """Return for how long nothing was answered; 0 while something was."""
        return 0.0 if self._since is None else (datetime.now(UTC) - self._since).total_seconds()

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note how one question ends. That an object is missing, or that there is no room, is an answer."""
        try:
            yield
        except (FileNotFoundError, StoreFullError, StoreUnwritableError):
            self._since = None
            raise
        except StoreError:
            self._since = self._since or datetime.now(UTC)
            raise
        self._since = None


def away_sentence(since: datetime) -> str:
    """Return what is said of it to people."""
    return f"The results store has not answered since {since:%Y-%m-%dT%H:%M:%SZ}."
