"""Carries out what was decided about a service: the only writer of its status, and of the Jobs of its builds."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from serviceexecution.builds.decide import decide
from serviceexecution.builds.names import build_reference
from serviceexecution.builds.observation import BuildObservation
from serviceexecution.builds.outcome import BuildDecision
from serviceexecution.builds.progress import timeout_of
from serviceexecution.builds.render import render_build
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.clock import Clock
from serviceexecution.controller.job_actions import RECHECK_SECONDS, JobActions, is_final
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.known.unreadable import UnreadableDefinition, status_of_unreadable
from serviceexecution.controller.service_problem import Checker, problem_of
from serviceexecution.controller.services.observe import ServiceObserver
from serviceexecution.controller.services.slots import BuildSlots
from serviceexecution.controller.services.transitions import BuildTransitionReporter
from serviceexecution.controller.work.keys import ServiceKey
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import ConflictError, KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.logs.manager import LogFollowers
from serviceexecution.logs.target import FollowedContainer
from serviceexecution.resources.names import MAIN_CONTAINER
from serviceexecution.resources.pods.pod_start import (
    StartFault,
    StartLimits,
    StartProblem,
    creation_problem,
    is_webhook_failure,
    lacks_quota,
)
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import Revision, ServiceDefinitionStatus
from serviceexecution.resources.status_patch import status_patch

logger = structlog.stdlib.get_logger()

_REMEMBERED: Final = 10_000


class ServiceReconciler:
    """One pass over one service: observe, decide, act."""

    def __init__(
        self,
        *,
        client: KubernetesClient,
        cache: ObjectCache,
        checker: Checker,
        observer: ServiceObserver,
        slots: BuildSlots,
        followers: LogFollowers,
        reporter: BuildTransitionReporter,
        gateway_url: str,
        add: Callable[[ServiceKey], None],
        clock: Clock,
    ) -> None:
        """``add`` queues other services whose build may start now."""
        self._client = client
        self._jobs = JobActions(client, cache.builds)
        self._cache = cache
        self._checker = checker
        self._observer = observer
        self._slots = slots
        self._followers = followers
        self._reporter = reporter
        self._gateway_url = gateway_url
        self._add = add
        self._clock = clock
        self._sound: OrderedDict[tuple[str, int], None] = OrderedDict()
        """Uid and generation of services whose executions can start; the newest last."""
        self._followed: dict[ServiceKey, set[ExecutionReference]] = {}

    async def reconcile(self, service: ServiceKey) -> float | None:
        """Bring one service a step further; return after how many seconds to look again.

        Raises KubernetesError or StoreError when a step failed: the pass is then repeated from the start.
        """
        definition = self._cache.definition(service)
        if (unreadable := self._cache.unreadable.get(service)) is not None:
            self._forget(service)
            await self._refuse(unreadable)
            return None
        if definition is None or definition.metadata.deletion_timestamp is not None:
            self._forget(service)
            return None
        with structlog.contextvars.bound_contextvars(**service.fields()):
            try:
                seen = await self._observer.observe(definition, await self._problem(definition))
                return await self._act(service, seen, decide(seen))
            finally:
                self._slots.settled(definition)

    async def _act(
        self, service: ServiceKey, seen: BuildObservation, decision: BuildDecision
    ) -> float | None:
        written = await self._write_status(seen.definition, decision.status)
        if written is None:
            return RECHECK_SECONDS
        if decision.create is not None:
            if written is seen.definition and not await self._is_newest(written):
                return RECHECK_SECONDS
            refused = await self._create(written, decision.create, seen)
            if refused is None:
                return 0
            seen = replace(seen, definition=written, refused=refused)
            decision = decide(seen)
            if await self._write_status(written, decision.status) is None:
                return RECHECK_SECONDS
        self._follow(service, decision)
        for pod in decision.stop:
            await self._jobs.stop(pod)
        for job in decision.delete:
            await self._jobs.delete(job)
        self._let_go(service, decision)
        return decision.wake_after

    async def _problem(self, definition: ServiceDefinition) -> str | None:
        """Return why no execution can start. That nothing is wrong follows from the spec, and is found out once."""
        known = (definition.metadata.uid, definition.metadata.generation)
        if known in self._sound:
            return None
        problem = await problem_of(definition, self._checker)
        if problem is None:
            self._sound[known] = None
            while len(self._sound) > _REMEMBERED:
                self._sound.popitem(last=False)
        return problem

    async def _write_status(
        self, definition: ServiceDefinition, status: ServiceDefinitionStatus
    ) -> ServiceDefinition | None:
        """Write the status if it changed, and return the definition as it is now; None when it changed meanwhile."""
        patch = status_patch(definition.status, status)
        if not patch:
            return definition
        metadata = definition.metadata
        body: JsonObject = {"metadata": {"resourceVersion": metadata.resource_version}, "status": patch}
        try:
            written = await self._client.patch(
                SERVICE_DEFINITIONS, metadata.namespace, metadata.name, body, subresource="status"
            )
        except ConflictError:
            await self._is_newest(definition)
            return None
        if written is None:
            return None
        self._cache.put_definition(written)
        self._reporter.report(definition, status)
        for waiting in self._slots.next_keys():
            self._add(waiting)
        return self._cache.definition(ServiceKey(metadata.namespace, metadata.name))

    async def _refuse(self, definition: UnreadableDefinition) -> None:
        """Say once that a definition cannot be read; it was valid under the CRD of another version."""
        metadata = definition.metadata
        if not definition.said:
            patch = status_of_unreadable(definition, self._clock())
            await self._client.patch(
                SERVICE_DEFINITIONS, metadata.namespace, metadata.name, patch, subresource="status"
            )
            logger.warning("a ServiceDefinition cannot be read", problem=definition.problem)

    async def _is_newest(self, definition: ServiceDefinition) -> bool:
        """Read the definition anew: nothing is built from what is outdated."""
        metadata = definition.metadata
        body = await self._client.get(SERVICE_DEFINITIONS, metadata.namespace, metadata.name)
        key = self._cache.put_definition(body) if body is not None else None
        fresh = self._cache.definition(key) if key is not None else None
        return fresh is not None and fresh.metadata.resource_version == metadata.resource_version

    async def _create(
        self, definition: ServiceDefinition, revision: Revision, seen: BuildObservation
    ) -> StartProblem | None:
        """Create the attempt's Job; return why the API server refuses it, None when it is there."""
        if seen.settings is None:
            return None
        manifest = render_build(
            definition,
            revision,
            seen.settings,
            gateway_url=self._gateway_url,
            timeout=timeout_of(seen),
            start_timeout=seen.limits.start_timeout,
            with_cache=self._slots.may_use_cache(definition),
        )
        try:
            await self._jobs.create(manifest, definition.metadata)
        except KubernetesError as error:
            problem = _refusal(error, seen.limits)
            if problem is None:
                raise
            return problem
        return None

    def _follow(self, service: ServiceKey, decision: BuildDecision) -> None:
        for build in decision.follow:
            definition = self._cache.definition(service)
            if definition is None:
                return
            reference = build_reference(definition.metadata, build.revision)
            self._followed.setdefault(service, set()).add(reference)
            pod = build.pod.metadata
            self._followers.ensure(
                reference,
                FollowedContainer(reference.namespace, pod.name, pod.uid, MAIN_CONTAINER),
                attempt=build.attempt,
                main_terminated=build.ended,
            )

    def _let_go(self, service: ServiceKey, decision: BuildDecision) -> None:
        """Stop following what is followed no longer."""
        definition = self._cache.definition(service)
        followed = self._followed.get(service, set())
        if definition is None or not followed:
            return
        wanted = {build_reference(definition.metadata, build.revision) for build in decision.follow}
        for reference in followed - wanted:
            self._followers.forget(reference)
        self._followed[service] = followed & wanted
        if not self._followed[service]:
            del self._followed[service]

    def _forget(self, service: ServiceKey) -> None:
        """Let go of a service that is gone: its Jobs go with it, and others may build."""
        for reference in self._followed.pop(service, set()):
            self._followers.forget(reference)
        for waiting in self._slots.next_keys():
            self._add(waiting)


def _refusal(error: KubernetesError, limits: StartLimits) -> StartProblem | None:
    """Return what the API server refuses; None when it did not say, and a later try may succeed."""
    text = str(error)
    if is_webhook_failure(text):
        return creation_problem(text, limits)
    if not is_final(error):
        return None
    if error.status == 403 and lacks_quota(text):
        return creation_problem(text, limits)
    return StartProblem(StartFault.POD_REFUSED, text, 0 if error.status != 403 else limits.missing_reference)
