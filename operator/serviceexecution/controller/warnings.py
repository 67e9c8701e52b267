"""The newest warning about an object: some causes change neither the object nor anything that is watched."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, text_at
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import EVENTS, JOBS
from serviceexecution.resources.executions.execution import ObjectMeta
from serviceexecution.resources.pods.container_needs import is_about_containers, needs_of, place_hint
from serviceexecution.resources.pods.pod_start import StartLimits, StartProblem, creation_problem

EVENTS_AFTER: Final = 2.0
"""Seconds after which the reason of a missing pod or a silent start is looked up in Events."""
READ_AGAIN_AFTER: Final = 2.0
"""Seconds from one look at a namespace's Events to the next, at least: what waits there shares the look."""
READS_SHARE: Final = 0.05
"""Part of the time that is spent on looks: the API server decodes all Events of a namespace for each."""
MOST_PAGES: Final = 20
"""Pages of Events that one look takes: 10,000 Events of the usual size."""
MOST_CHARACTERS: Final = 4_096
"""What is kept of a message: anybody in a namespace may write its Events."""
FORGOTTEN_AFTER: Final = 120.0
"""Seconds without a question after which an object is no longer looked for."""
LONGEST_PAUSE: Final = 120.0
"""Seconds from one look to the next, at most."""


@dataclass(slots=True)
class _Waiting:
    """An object that waits, and the newest warning about it."""

    asked: datetime
    time: str = ""
    text: str = ""


@dataclass(slots=True)
class _Namespace:
    waiting: dict[str, _Waiting] = field(default_factory=dict)
    """By uid."""
    read_again: datetime | None = None
    reading: bool = False


class Warnings:
    """The newest warnings about objects that wait, from one look at a namespace's Events for all of them.

    The API server has no index of Events by object: a look for each of them would cost the square of their number.
    """

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client
        self._namespaces: dict[str, _Namespace] = {}
        self._forget_again: datetime | None = None

    async def newest(self, about: ObjectMeta, now: datetime) -> str | None:
        """Return the newest warning as of the last look; empty when there is none, None when it is too early to look.

        Raises KubernetesError.
        """
        if (now - about.creation_timestamp).total_seconds() < EVENTS_AFTER:
            return None
        self._forget(now)
        namespace = self._namespaces.setdefault(about.namespace, _Namespace())
        waiting = namespace.waiting.setdefault(about.uid, _Waiting(now))
        waiting.asked = now
        if not namespace.reading and _is_due(namespace.read_again, now):
            await self._read(about.namespace, namespace, now)
        return waiting.text

    async def _read(self, name: str, namespace: _Namespace, now: datetime) -> None:
        begun = time.monotonic()
        namespace.reading = True
        try:
            pages = self._client.list_pages(EVENTS, name, field_selector="type=Warning")
            async with contextlib.aclosing(pages) as arriving:
                number = 0
                async for page in arriving:
                    for event in page.items:
                        _note(namespace.waiting, event)
                    number += 1
                    if number == MOST_PAGES:
                        break
        finally:
            took = time.monotonic() - begun
            pause = min(max(READ_AGAIN_AFTER, took / READS_SHARE), LONGEST_PAUSE)
            namespace.read_again = now + timedelta(seconds=pause)
            namespace.reading = False

    def _forget(self, now: datetime) -> None:
        """Forget what nobody has asked about for long: what waited has started, or is gone."""
        if not _is_due(self._forget_again, now):
            return
        self._forget_again = now + timedelta(seconds=FORGOTTEN_AFTER)
        for name, namespace in list(self._namespaces.items()):
            namespace.waiting = {
                uid: waiting
                for uid, waiting in namespace.waiting.items()
                if (now - waiting.asked).total_seconds() <= FORGOTTEN_AFTER
            }
            if not namespace.waiting and not namespace.reading:
                del self._namespaces[name]


async def creation_problem_of(
    client: KubernetesClient,
    job: ObjectMeta,
    message: str,
    limits: StartLimits,
    *,
    said: str | None,
    places: Mapping[str, str],
) -> StartProblem:
    """Return why the Job's pod cannot be created, with the container that it is about. Raises KubernetesError.

    The Job is read only before the reason is ``said``: what was said first stays. ``places`` tells of containers where
    their resources are set.
    """
    problem = creation_problem(message, limits)
    if said == problem.reason.value or not is_about_containers(message):
        return problem
    body = await client.get(JOBS, job.namespace, job.name)
    hint = "" if body is None else place_hint(message, needs_of(body), places)
    return replace(problem, detail=f"{message} {hint}".rstrip())


def _is_due(due: datetime | None, now: datetime) -> bool:
    # A clock that was set back does not put off what is due for as long as it was wrong.
    return due is None or now >= due or (due - now).total_seconds() > LONGEST_PAUSE


def _note(waiting: dict[str, _Waiting], event: JsonObject) -> None:
    about = waiting.get(text_at(event, "involvedObject", "uid"))
    when = _event_time(event)
    if about is not None and when >= about.time:
        about.time, about.text = when, str(event.get("message") or "")[:MOST_CHARACTERS]


def _event_time(event: JsonObject) -> str:
    times: list[JsonValue] = [event.get("lastTimestamp"), event.get("eventTime"), event.get("firstTimestamp")]
    return next((time for time in times if isinstance(time, str)), "")
