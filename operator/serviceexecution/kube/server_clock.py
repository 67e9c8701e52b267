"""The time by the API server's clock, which stamps all objects: this machine's own may be off by any time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf


class ServerClock:
    """This machine's clock, put right by the ``Date`` of the API server's answers.

    An answer says within which bounds the difference lies: its Date is cut to seconds, and was written between request
    and answer. While no difference is also possible, there is none.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """``clock`` gives the seconds of this machine's clock, which may jump."""
        self._clock = clock
        self._least, self._most = -inf, inf
        self._date, self._stamp = "", 0.0

    def local(self) -> float:
        """Return this machine's time, for ``note``."""
        return self._clock()

    def note(self, date: str | None, sent: float) -> None:
        """Take the Date of an answer that has just come; its request was sent at ``sent``. What is no date is left."""
        try:
            if not date or date != self._date:  # All answers of a second have the same
                self._stamp, self._date = parsedate_to_datetime(date or "").timestamp(), date or ""
        except ValueError:
            return
        stamp = self._stamp
        least, most = stamp - self._clock(), stamp + 1 - sent
        if least > self._most or most < self._least:  # One of the two clocks was set
            self._least, self._most = least, most
        else:
            self._least, self._most = max(self._least, least), min(self._most, most)

    @property
    def offset(self) -> float:
        """Return the seconds by which the API server's clock is ahead of this machine's."""
        if self._least <= 0 <= self._most:
            return 0.0
        return (self._least + self._most) / 2

    def now(self) -> datetime:
        """Return the time by the API server's clock, in UTC."""
        return datetime.fromtimestamp(self._clock() + self.offset, UTC)
