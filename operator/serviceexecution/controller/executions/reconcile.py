"""Carries out what was decided about an execution: creates what is missing, writes its status, then acts on that."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.clock import Clock
from serviceexecution.controller.executions.admission import Admission
from serviceexecution.controller.executions.ending import Ending
from serviceexecution.controller.executions.observe import ExecutionObserver
from serviceexecution.controller.executions.own import is_own_input
from serviceexecution.controller.executions.reading import ExecutionReader
from serviceexecution.controller.executions.refusals import refusal
from serviceexecution.controller.executions.transitions import ExecutionTransitionReporter
from serviceexecution.controller.job_actions import (
    RECHECK_SECONDS,
    JobActions,
    in_the_way,
)
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.known.cached_execution import EndedExecution, UnreadableExecution
from serviceexecution.controller.work.keys import ExecutionKey
from serviceexecution.executions.attempts.progress import attempt_of
from serviceexecution.executions.conditions import with_phase
from serviceexecution.executions.decide import decide
from serviceexecution.executions.earlier_run import end_of_earlier_run
from serviceexecution.executions.names import input_name
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision
from serviceexecution.executions.planning.plan import Plan
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.executions.reasons import Reason, sentence
from serviceexecution.executions.render.job import render_children
from serviceexecution.executions.too_large import smaller
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError, KubernetesError
from serviceexecution.kube.kinds import CONFIG_MAPS, SERVICE_EXECUTIONS
from serviceexecution.logs.manager import LogFollowers
from serviceexecution.logs.target import FollowedContainer
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import CallbackState, ExecutionStatus, Phase
from serviceexecution.resources.names import MAIN_CONTAINER
from serviceexecution.resources.pods.observed import InputMapView
from serviceexecution.resources.status_patch import status_patch

logger = structlog.stdlib.get_logger()


class ExecutionReconciler:
    """One pass over one execution: observe, decide, act."""

    def __init__(
        self,
        *,
        client: KubernetesClient,
        cache: ObjectCache,
        observer: ExecutionObserver,
        admission: Admission,
        followers: LogFollowers,
        reporter: ExecutionTransitionReporter,
        defaults: PodDefaults,
        ending: Ending,
        deliver: Callable[[ServiceExecution], None],
        clock: Clock,
    ) -> None:
        """``deliver`` takes executions that have ended and whose callback is pending, again and again; it neither
        waits nor raises.
        """
        self._reader = ExecutionReader(client, cache)
        self._ending = ending
        self._clock = clock
        self._deliver = deliver
        self._client = client
        self._jobs = JobActions(client, cache.runs)
        self._cache = cache
        self._observer = observer
        self._admission = admission
        self._followers = followers
        self._reporter = reporter
        self._defaults = defaults

    async def reconcile(self, key: ExecutionKey) -> float | None:
        """Bring one execution a step further; return after how many seconds to look again.

        Raises KubernetesError or StoreError when a step failed: the pass is then repeated from the start.
        """
        record = self._cache.executions.get(key)
        if record is None:
            return None
        if isinstance(record, EndedExecution):
            rest = self._observer.rest_of(record)
            if not rest.due:
                return rest.wake_after
        known = await self._reader.read(key, record)
        if known is None:
            return None
        if isinstance(known, UnreadableExecution):
            if not isinstance(record, EndedExecution):
                await self._refuse(known)
            return None
        with structlog.contextvars.bound_contextvars(
            namespace=key.namespace, execution=key.name, uid=known.metadata.uid
        ):
            try:
                wake_after = await self._pass(known)
            except Exception:
                self._admission.failed(known)
                raise
            self._admission.worked(known)
            return wake_after

    async def _pass(self, known: ServiceExecution) -> float | None:
        seen = await self._observer.observe(known)
        decision = decide(seen)
        if decision.create:
            fresh = await self._fresh(known)
            if fresh is None:
                return None
            if fresh.metadata.resource_version != known.metadata.resource_version:
                return RECHECK_SECONDS
            earlier = await self._observer.with_earlier_run(seen)
            if earlier is not None and earlier.job is None:
                return await self._act(earlier, end_of_earlier_run(earlier))
            seen = earlier or await self._create(seen)
            decision = decide(seen)
        if decision.leaves or _ends(seen, decision):
            succeeds = decision.status.phase is Phase.SUCCEEDED
            read = await self._observer.with_output_read(seen, succeeds=succeeds)
            if read is not seen:
                seen, decision = read, decide(read)
        return await self._act(seen, decision)

    async def _act(self, seen: Observation, decision: Decision) -> float | None:
        reference = seen.execution.reference
        if decision.delete_job and not await self._may_delete(seen, decision):
            return RECHECK_SECONDS
        if _ends(seen, decision):
            pause = await self._ending.prepare(seen.execution, decision.status)
            if pause is not None:
                return pause
        try:
            written = await self._write_status(seen.execution, decision.status)
        except KubernetesError as error:
            less = smaller(seen, decision) if error.is_too_large else None
            if less is None:
                raise
            return await self._act(seen, less)
        if not written:
            return RECHECK_SECONDS
        self._call_back(seen.execution, decision.status)
        if decision.follow_log is not None:
            self._followers.ensure(
                reference,
                FollowedContainer(
                    reference.namespace, decision.follow_log.name, decision.follow_log.uid, MAIN_CONTAINER
                ),
                attempt=decision.status.attempts or 1,
                main_terminated=seen.pod is None or seen.pod.main.terminated is not None or seen.pod.ended,
            )
        if decision.stop_pod and seen.pod is not None:
            await self._jobs.stop(seen.pod)
        for job in (seen.job, seen.left_job):
            if decision.delete_job and job is not None:
                await self._jobs.delete(job)
        if decision.delete_execution:
            await self._client.delete(
                SERVICE_EXECUTIONS, reference.namespace, reference.name, uid=reference.uid
            )
            logger.info("execution deleted: its time to live is over")
        if decision.leaves or (decision.status.phase is not None and decision.status.phase.terminal):
            self._followers.forget(reference)
            self._observer.forget(reference)
        return decision.wake_after

    def _call_back(self, execution: ServiceExecution, status: ExecutionStatus) -> None:
        """Hand an execution over whose callback is to be delivered, now or after a restart."""
        if status.callback is not None and status.callback.state is CallbackState.PENDING:
            self._deliver(execution.model_copy(update={"status": status}))

    async def _fresh(self, execution: ServiceExecution) -> ServiceExecution | None:
        """Read the execution anew, since a stale cache must never start a program a second time."""
        metadata = execution.metadata
        found = await self._reader.read_anew(ExecutionKey(metadata.namespace, metadata.name), metadata.uid)
        return found if isinstance(found, ServiceExecution) else None

    async def _create(self, seen: Observation) -> Observation:
        """Create the children; what the API server refuses for good becomes the execution's problem."""
        if not isinstance(seen.plan, Plan):
            return seen
        attempt = attempt_of(seen.status)
        children = render_children(seen.execution, seen.plan, self._defaults, attempt)
        try:
            if children.config_map is not None:
                await self._create_config_map(seen.execution, children.config_map)
            job = await self._jobs.create(children.job, seen.execution.metadata)
        except KubernetesError as error:
            problem = refusal(error)
            if problem is None:
                raise
            return replace(seen, plan=problem)
        seen = seen.with_status(input_digest=seen.plan.input_digest)
        return replace(seen, job=job, plan=None)

    async def _create_config_map(self, execution: ServiceExecution, manifest: JsonObject) -> None:
        namespace = execution.metadata.namespace
        try:
            await self._client.create(CONFIG_MAPS, namespace, manifest, metadata_only=True)
        except AlreadyExistsError:
            name = input_name(execution.reference)
            existing = await self._client.get(CONFIG_MAPS, namespace, name)
            if existing is None:
                raise
            if not is_own_input(execution, manifest, InputMapView.model_validate(existing)):
                raise in_the_way("ConfigMap", name) from None
            logger.debug("ConfigMap exists already: ours from before a restart")

    async def _may_delete(self, seen: Observation, decision: Decision) -> bool:
        """Ask once more before deleting the Job of a program that never seemed to start: its log would go too."""
        phase, job, pod = seen.status.phase, seen.job, seen.pod
        if job is None or decision.has_started or (phase is not None and phase.terminal):
            return True
        if pod is not None and (pod.main.terminated is not None or pod.ended):
            return True
        reference = seen.execution.reference
        return not any(
            one.metadata.controlled_by(job.metadata.uid)
            and (one.main.running is not None or one.main.terminated is not None)
            for one in await self._jobs.pods(reference.uid, reference.namespace)
        )

    async def _write_status(self, execution: ServiceExecution, status: ExecutionStatus) -> bool:
        """Write the status if it changed; False when the execution changed meanwhile or is gone."""
        patch = status_patch(execution.status, status)
        if not patch:
            return True
        metadata = execution.metadata
        body: JsonObject = {"metadata": {"resourceVersion": metadata.resource_version}, "status": patch}
        try:
            written = await self._client.patch(
                SERVICE_EXECUTIONS, metadata.namespace, metadata.name, body, subresource="status"
            )
        except ConflictError:
            await self._fresh(execution)
            return False
        if written is None:
            self._cache.drop_execution(ExecutionKey(metadata.namespace, metadata.name), metadata.uid)
            return False
        self._cache.put_execution(written)
        self._reporter.report(execution, status)
        if status.phase is not None and status.phase.terminal and execution.status.completion_time is None:
            self._admission.past.note(execution, status)
        return True

    async def _refuse(self, execution: UnreadableExecution) -> None:
        """Say that a spec cannot be read; it was valid under the CRD of another version. What runs of it is stopped.

        A status of a newer version is left alone.
        """
        if execution.written_by_newer:
            logger.warning(
                "execution left alone: a newer version wrote its status",
                namespace=execution.metadata.namespace,
                execution=execution.metadata.name,
                problem=execution.problem,
            )
            return
        status = with_phase(
            ExecutionStatus(),
            Phase.FAILED,
            Reason.INVALID_SPEC,
            sentence(Reason.INVALID_SPEC, execution.problem),
            now=self._clock(),
            generation=execution.metadata.generation,
        )
        metadata = execution.metadata
        written = await self._client.patch(
            SERVICE_EXECUTIONS,
            metadata.namespace,
            metadata.name,
            {"metadata": {"uid": metadata.uid}, "status": status_patch(ExecutionStatus(), status)},
            subresource="status",
        )
        if written is None:
            self._cache.drop_execution(ExecutionKey(metadata.namespace, metadata.name), metadata.uid)
            return
        self._cache.put_execution(written)
        for job in self._cache.runs.jobs(metadata.uid, metadata.namespace):
            await self._jobs.delete(job)


def _ends(seen: Observation, decision: Decision) -> bool:
    before, after = seen.status.phase, decision.status.phase
    return after is not None and after.terminal and not (before is not None and before.terminal)
