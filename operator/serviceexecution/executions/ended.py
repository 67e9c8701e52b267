"""What is left to do about an execution that ended some time ago, from the little that is kept of it. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left to do.

    ``due``: something is to be done now, for which the whole execution is read. ``wake_after``: seconds until its time
    to live is over, None when it has none.
    """

    due: bool
    wake_after: float | None = None


def rest_of(
    *, observed: bool, has_job: bool, callback_due: bool, expires: datetime | None, now: datetime
) -> Rest:
    """Decide whether an ended execution needs a pass. ``observed``: its status speaks of the newest spec."""
    if has_job or callback_due or not observed:
        return Rest(due=True)
    if expires is None:
        return Rest(due=False)
    left = (expires - now).total_seconds()
    return Rest(due=left <= 0, wake_after=max(0.0, left))
