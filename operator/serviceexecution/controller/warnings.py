"""The newest warning about an object: some causes change neither the object nor anything that is watched."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import EVENTS, JOBS
from serviceexecution.resources.executions.execution import ObjectMeta
from serviceexecution.resources.pods.container_needs import is_about_containers, needs_of, place_hint
from serviceexecution.resources.pods.pod_start import StartLimits, StartProblem, creation_problem

EVENTS_AFTER: Final = 2.0
"""Seconds after which the reason of a missing pod or a silent start is looked up in Events."""


async def newest_warning(client: KubernetesClient, about: ObjectMeta, now: datetime) -> str | None:
    """Return the text of the newest warning, empty when there is none; None when it is too early to ask.

    Raises KubernetesError.
    """
    if (now - about.creation_timestamp).total_seconds() < EVENTS_AFTER:
        return None
    found = await client.list(
        EVENTS, about.namespace, field_selector=f"involvedObject.uid={about.uid},type=Warning"
    )
    newest = max(found.items, key=_event_time, default=None)
    return str(newest.get("message") or "") if newest is not None else ""


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


def _event_time(event: JsonObject) -> str:
    times: list[JsonValue] = [event.get("lastTimestamp"), event.get("eventTime"), event.get("firstTimestamp")]
    return next((time for time in times if isinstance(time, str)), "")
