"""Which executions a command is about. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.options import seconds_of
from serviceexecution.cli.summaries import ExecutionSummary

PHASES: Final = ("Pending", "Running", "Succeeded", "Failed", "Cancelled")
_OLDEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Selection:
    """What an execution must be; what is empty asks nothing."""

    phases: frozenset[str] = frozenset()
    service: str = ""
    tags: frozenset[str] = frozenset()
    """All of them."""
    since: datetime | None = None
    """It was made at this time or later."""
    until: datetime | None = None
    """It was made before this time."""
    text: str = ""
    """In lower case; in its id, service, reason, message or one of its tags."""

    @classmethod
    def of(
        cls,
        *,
        statuses: Iterable[str] = (),
        service: str = "",
        tags: Iterable[str] = (),
        since: str = "",
        older: str = "",
        text: str = "",
        now: datetime | None = None,
    ) -> Self:
        """Return what the options of a command line ask for; raises CommandError that names the option."""
        now = now or datetime.now(UTC)
        return cls(
            _phases(statuses),
            service,
            frozenset(tags),
            _before(now, since, "--since"),
            _before(now, older, "--older"),
            text.lower(),
        )

    def __bool__(self) -> bool:
        """Tell whether it asks for anything."""
        return self != Selection()

    @property
    def field_selector(self) -> str:
        """Return as much of it as the API server can answer itself."""
        parts = [f"spec.serviceRef.name={self.service}"] if self.service else []
        if len(self.phases) == 1 and self.phases != {"Pending"}:  # What is quite new has no phase yet
            parts.append(f"status.phase={next(iter(self.phases))}")
        return ",".join(parts)

    def takes(self, view: ExecutionSummary) -> bool:
        """Tell whether an execution is meant."""
        created = view.created or _OLDEST
        return (
            (not self.phases or view.phase in self.phases)
            and self.service in {"", view.service}
            and self.tags <= set(view.tags)
            and (self.since is None or created >= self.since)
            and (self.until is None or created < self.until)
            and (not self.text or any(self.text in word.lower() for word in _words(view)))
        )


def newest_first(views: Iterable[ExecutionSummary]) -> list[ExecutionSummary]:
    """Return executions in the order in which they are shown."""
    return sorted(views, key=lambda view: (view.created or _OLDEST, view.name), reverse=True)


def _phases(statuses: Iterable[str]) -> frozenset[str]:
    wanted = [word.strip() for given in statuses for word in given.split(",")]
    known = {phase.lower(): phase for phase in PHASES}
    for word in wanted:
        if word.lower() not in known:
            raise CommandError(f"--status: {word!r} is none of {', '.join(PHASES)}.")
    return frozenset(known[word.lower()] for word in wanted)


def _before(now: datetime, length: str, option: str) -> datetime | None:
    seconds = seconds_of(_in_hours(length), option=option)
    return None if seconds is None else now - timedelta(seconds=seconds)


def _in_hours(length: str) -> str:
    """Return a length of time in the form of all durations: days, which people ask for here, become hours."""
    days = length.removesuffix("d")
    return f"{int(days) * 24}h" if length.endswith("d") and days.isdecimal() and len(days) < 6 else length


def _words(view: ExecutionSummary) -> Sequence[str]:
    return (view.name, view.service, view.reason, view.message, *view.tags)
