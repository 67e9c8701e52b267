"""Runs the lines of a sweep, so many at once, until all have ended."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.cli.client.channel import RefusedError
from serviceexecution.cli.listing.changes import Changes, Gone
from serviceexecution.cli.listing.selection import Selection
from serviceexecution.cli.run.body import request_body
from serviceexecution.cli.run.execute import submit
from serviceexecution.cli.run.sweep import DELETED, REFUSED, Line, Sweep
from serviceexecution.cli.session import Session
from serviceexecution.cli.summaries import ExecutionSummary

_LOOK_SECONDS: Final = 2.0
"""How long changes are listened to before what has waited is tried again."""
_LASTING: Final = frozenset({400, 413, 415, 422})
"""Answers that mean this input, and no other."""
Ids = dict[str, Line]


@dataclass(slots=True)
class Sweeping:
    """One command's work on a sweep. ``secrets`` and ``tags`` go with each line; ``show`` gets how it stands."""

    session: Session
    service: str
    sweep: Sweep
    most: int
    secrets: dict[str, str]
    tags: tuple[str, ...]
    show: Callable[[str], None]
    _live: Ids = field(default_factory=dict)
    _ended: Counter[str] = field(default_factory=Counter)
    """Lines that have ended by phase: there may be too many to count again for each."""
    _said: str = ""

    def run(self, seconds: float | None) -> bool:
        """Run all lines that have not ended; tell whether all have, before the time was over."""
        end = None if seconds is None else time.monotonic() + seconds
        changes = Changes(self.session.api, self.session.namespace, Selection(service=self.service))
        self._ended.update(line.phase for line in self.sweep.lines if line.has_ended)
        self._look(changes)
        waiting = [line for line in self.sweep.lines if not line.execution and not line.has_ended]
        waiting.reverse()
        while waiting or self._live:
            self._fill(waiting)
            self._say(len(waiting))
            if not self._live and not waiting:
                break
            left = _LOOK_SECONDS if end is None else min(_LOOK_SECONDS, end - time.monotonic())
            if left <= 0:
                return False
            self._listen(changes, left, stop_when_free=bool(waiting))
        self._say(0)
        return True

    def _fill(self, waiting: list[Line]) -> None:
        """Start as many as may run at once. Who has no room is asked again after the next look."""
        while waiting and len(self._live) < self.most:
            line = waiting[-1]
            body = request_body(line.text, self.secrets, (*self.tags, self.sweep.tag))
            try:
                line.execution = submit(self.session, self.service, body, key=self.sweep.key(line))
            except RefusedError as error:
                if error.status == 429:
                    return
                if error.status not in _LASTING:
                    raise
                self._end(line, REFUSED, str(error), None)
            else:
                self._live[line.execution] = line
                self.sweep.remember(line)
            waiting.pop()

    def _look(self, changes: Changes) -> None:
        """Learn how those stand that an earlier command has started."""
        known = {view.name: view for view in changes.now()}
        for line in self.sweep.lines:
            if line.execution and not line.has_ended:
                self._live[line.execution] = line
                view = known.get(line.execution)
                if view is None:
                    self._end(line, DELETED, "The execution was deleted before its end was seen.", None)
                else:
                    self._take(view)

    def _listen(self, changes: Changes, seconds: float, *, stop_when_free: bool) -> None:
        for change in changes.follow(seconds):
            view = change.last if isinstance(change, Gone) else change
            line = self._live.get(view.name)
            if line is None:
                continue
            if isinstance(change, Gone):
                self._end(line, DELETED, "The execution was deleted before its end was seen.", None)
            else:
                self._take(view)
            if not self._live or (stop_when_free and view.name not in self._live):
                return

    def _take(self, view: ExecutionSummary) -> None:
        line = self._live.get(view.name)
        if line is None:
            return
        line.phase = view.phase
        if view.is_over:
            took = None
            if view.started is not None and view.ended is not None:
                took = (view.ended - view.started).total_seconds()
            self._end(line, view.phase, "" if view.phase == "Succeeded" else view.message, took)

    def _end(self, line: Line, phase: str, message: str, seconds: float | None) -> None:
        self._live.pop(line.execution, None)
        line.phase, line.message, line.seconds = phase, message, seconds
        self.sweep.remember(line)
        self._ended[phase] += 1

    def _say(self, waiting: int) -> None:
        parts = [f"{waiting} waiting"] if waiting else []
        parts += [f"{len(self._live)} started"] if self._live else []
        parts += [f"{number} {phase.lower()}" for phase, number in sorted(self._ended.items())]
        number = len(self.sweep.lines)
        text = f"{number} input{'' if number == 1 else 's'}: {', '.join(parts)}"
        if text != self._said:
            self.show(text)
            self._said = text
