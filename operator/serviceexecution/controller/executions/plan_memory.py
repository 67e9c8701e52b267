"""What was found out about executions that wait, and about services, so that it is found out once."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.pods.observed import ConfigMapView
from serviceexecution.resources.services.definition import ServiceDefinition

REMEMBERED: Final = 10_000
"""Executions, inputs, and services: those beyond are checked again."""
PROBLEM_SECONDS: Final = 60.0
"""How long the problem of a service is believed. It may have been one of the moment, such as a check that took too
long; thousands of executions may wait for it."""

_Checked = tuple[str, int, str, int, str | None]
_Version = tuple[str, int]


class PlanMemory:
    """State owner; forgets what was remembered first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._checked: OrderedDict[_Checked, None] = OrderedDict()
        self._sound: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._problems: OrderedDict[_Version, tuple[str | None, float]] = OrderedDict()

    def is_checked(self, execution: ServiceExecution, definition: ServiceDefinition) -> bool:
        """Tell whether nothing was wrong with the execution, but for its place in the queue."""
        return _versions(execution, definition) in self._checked

    def note_checked(self, execution: ServiceExecution, definition: ServiceDefinition) -> None:
        """Remember that."""
        self._checked[_versions(execution, definition)] = None
        while len(self._checked) > REMEMBERED:
            self._checked.popitem(last=False)

    def is_sound(self, input_map: ConfigMapView | None) -> bool:
        """Tell whether nothing was wrong with an input, as it is in this version of its ConfigMap: an execution is
        planned before its service is recorded and once more afterwards, and each look at a megabyte takes long.
        """
        return input_map is not None and _stored(input_map) in self._sound

    def note_sound(self, input_map: ConfigMapView | None) -> None:
        """Remember that."""
        if input_map is None or not all(_stored(input_map)):
            return
        self._sound[_stored(input_map)] = None
        while len(self._sound) > REMEMBERED:
            self._sound.popitem(last=False)

    def problem_of(self, definition: ServiceDefinition) -> tuple[str | None] | None:
        """Return what was found of the service, in a tuple of one; None when that is not known."""
        found = self._problems.get(_version(definition))
        if found is None or (found[0] is not None and self._clock() > found[1] + PROBLEM_SECONDS):
            return None
        return (found[0],)

    def note_problem(self, definition: ServiceDefinition, problem: str | None) -> None:
        """Remember what was found of the service; None that executions can start."""
        self._problems[_version(definition)] = problem, self._clock()
        while len(self._problems) > REMEMBERED:
            self._problems.popitem(last=False)


def _versions(execution: ServiceExecution, definition: ServiceDefinition) -> _Checked:
    own = execution.metadata
    return own.uid, own.generation, *_version(definition), definition.status.revision


def _version(definition: ServiceDefinition) -> _Version:
    return definition.metadata.uid, definition.metadata.generation


def _stored(input_map: ConfigMapView) -> tuple[str, str]:
    return input_map.metadata.uid, input_map.metadata.resource_version
