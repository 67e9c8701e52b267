"""Gathers all that a decision is made from: cache and store, and the API server where absence matters."""

from dataclasses import replace
from typing import Final

import structlog
from pydantic import ValidationError

from serviceexecution.contract.durations import DurationError
from serviceexecution.contract.main_result import main_result_text
from serviceexecution.contract.paths import MAIN_RESULT_FILE
from serviceexecution.controller.clock import Clock
from serviceexecution.controller.executions.children import Children
from serviceexecution.controller.executions.gateway_watch import GatewayWatch
from serviceexecution.controller.executions.kept_manifests import KeptManifests
from serviceexecution.controller.executions.outages import Outages
from serviceexecution.controller.executions.output_check import left_problem, output_fault, output_problem
from serviceexecution.controller.executions.planning import Planner
from serviceexecution.controller.executions.staging_progress import staging_progress
from serviceexecution.controller.job_actions import JobReader
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.known.cached_execution import EndedExecution
from serviceexecution.controller.service_problem import Checker
from serviceexecution.controller.store_reads import NoTurnAtStoreError, StoreReads
from serviceexecution.controller.warnings import Warnings, creation_problem_of
from serviceexecution.executions.attempts.progress import attempt_of, left_attempt
from serviceexecution.executions.earlier_run import Run, is_of_run, run_of
from serviceexecution.executions.ended import Rest, rest_of
from serviceexecution.executions.names import job_name
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.planning.plan import DEFAULT_TIMES, times_of
from serviceexecution.executions.pools.staging import is_staging
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.verdict import MAIN_OUTPUT_LIMIT, MainOutput, has_main_result
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.logs.manager import LogFollowers
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.pods.container_needs import PLACES_OF_RUNS
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_start import StartLimits, start_problem
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.resources.services.effective import effective_spec
from serviceexecution.store.errors import StoreError
from serviceexecution.store.records import LogRecord, OutputManifest
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()

UNREADABLE_SERVICE: Final = "What the execution took from it does not fit this version of the operator."


class ExecutionObserver:
    """Reads; never writes."""

    def __init__(
        self,
        client: KubernetesClient,
        store: ResultStore,
        cache: ObjectCache,
        limits: StartLimits,
        *,
        planner: Planner,
        checker: Checker,
        clock: Clock,
        reads: StoreReads,
        followers: LogFollowers,
        outages: Outages,
        gateway: GatewayWatch,
    ) -> None:
        self._manifests = KeptManifests()
        self._reads = reads
        self._followers = followers
        self._outages = outages
        self._gateway = gateway
        self._clock = clock
        self._planner = planner
        self._checker = checker
        self._client = client
        self._warnings = Warnings(client)
        self._jobs = JobReader(client, cache.runs)
        self._children = Children(self._jobs)
        self._store = store
        self._cache = cache
        self._limits = limits

    async def observe(self, execution: ServiceExecution) -> Observation:
        """Return what is true of ``execution`` now, with the spec that it runs with.

        Raises KubernetesError and store errors.
        """
        recorded = execution
        execution, fits = running_with(recorded)
        try:
            times = times_of(execution.spec)
        except DurationError:
            times = DEFAULT_TIMES  # The plan names the field.
        phase = execution.status.phase
        ended = phase is not None and phase.terminal
        job = self._children.any_job(execution) if ended else await self._children.job(execution)
        pod = None if ended else await self._children.pod(execution, job)
        if not ended and job is not None and _seems_preempted(job, pod, execution):
            job = await self._children.job_now(execution, job)
        left = left_attempt(execution.status) if job is None and not ended else None
        left_job, left_pod_runs = (
            (None, False) if left is None else await self._children.left(execution, left)
        )
        seen = Observation(
            execution=execution,
            times=times,
            now=self._clock(),
            limits=self._limits,
            job=job,
            left_job=left_job,
            left_pod_runs=left_pod_runs,
            pod=pod,
            attendance=self._outages.attendance(execution.metadata.namespace),
        )
        if ended:
            return seen
        if job is None and execution.status.job is None:
            if not fits:
                return replace(seen, plan=PlanProblem(Reason.SERVICE_NOT_READY, UNREADABLE_SERVICE))
            planned = await self._planner.plan(recorded, execution.spec)
            return replace(seen, plan=planned.plan, taken=planned.taken)
        if _waits_for_start(seen):
            if seen.pod is not None and is_staging(seen.pod):
                seen = replace(seen, staging=await staging_progress(self._client, seen.pod))
            return await self._with_warnings(seen)
        if _may_have_ended(seen):
            return await self._with_results(seen)
        return seen

    def rest_of(self, ended: EndedExecution) -> Rest:
        """Return what is left to do about an execution that ended some time ago."""
        return rest_of(
            observed=ended.observed,
            has_job=bool(self._cache.runs.jobs(ended.metadata.uid, ended.metadata.namespace)),
            callback_due=ended.callback_due,
            expires=None if ended.deleting else ended.expires,
            now=self._clock(),
        )

    async def _with_warnings(self, seen: Observation) -> Observation:
        job, pod = seen.job, seen.pod
        if job is None or (pod is not None and _is_explained(pod, seen)):
            return seen
        about = job.metadata if pod is None else pod.metadata
        message = await self._warnings.newest(about, seen.now)
        if message is None:
            return seen
        if pod is not None:
            return replace(seen, warning=message)
        if not message:
            return seen
        problem = await creation_problem_of(
            self._client,
            about,
            message,
            self._limits,
            said=seen.status.reason,
            places=PLACES_OF_RUNS,
        )
        return replace(seen, creation_problem=problem)

    async def _with_results(self, seen: Observation) -> Observation:
        reference = seen.execution.reference
        namespace = reference.namespace
        try:
            manifest, log, output = await self._reads.ask(
                namespace, lambda: self._read_results(reference, run_of(seen))
            )
        except StoreError as error:
            # While it is away nothing ends for want of a record; one unreadable record is a missing one.
            logger.warning("the store does not answer", error=str(error))
            if isinstance(error, NoTurnAtStoreError):
                self._outages.note_unasked(namespace, asked=seen.now)
            else:
                self._outages.note_store(namespace, there=not error.retriable, asked=seen.now)
            since = self._outages.store_away_since(namespace)
            return replace(seen, results_unknown=error.retriable, store_away_since=since)
        self._outages.note_store(namespace, there=True)
        if manifest is None:
            await self._gateway.look()
        attendance = self._outages.attendance(namespace)
        return replace(seen, manifest=manifest, log=log, output=output, attendance=attendance)

    async def with_earlier_run(self, seen: Observation) -> Observation | None:
        """Return what the store has of a run of an execution that has none as far as the API server knows, or of an
        attempt that it knows nothing of.

        None without one, and while the store is away: starts do not wait for it. A Job that is there after all is in
        the observation.
        """
        reference = seen.execution.reference
        namespace, attempt = reference.namespace, attempt_of(seen.status)
        try:
            if not await self._reads.ask(namespace, lambda: self._store.has_run(reference, attempt)):
                return None
            if await self._jobs.job(namespace, job_name(reference, attempt)) is not None:
                return replace(seen, job=self._children.known_job(seen.execution), plan=None)
            manifest, log, output = await self._reads.ask(
                namespace, lambda: self._read_results(reference, None)
            )
        except StoreError as error:
            logger.warning("not known whether it ran before", error=str(error))
            return None
        return replace(seen, manifest=manifest, log=log, output=output)

    async def _read_results(
        self, reference: ExecutionReference, run: Run | None
    ) -> tuple[OutputManifest | None, LogRecord | None, MainOutput | None]:
        kept = manifest = self._manifests.get(reference)
        if kept is None:
            manifest = await self._store.outputs.read_manifest(reference)
            self._manifests.keep(reference, manifest)
        log = await self._log_record(reference, run, asked=kept is None)
        if manifest is not None and not is_of_run(run, manifest):
            self._manifests.forget(reference)
            manifest = None  # Of an earlier attempt, or of a run that the API server has forgotten
        if log is not None and not is_of_run(run, log):
            log = None
        return manifest, log, await self._main_output(reference, manifest, log)

    async def _log_record(
        self, reference: ExecutionReference, run: Run | None, *, asked: bool
    ) -> LogRecord | None:
        """Return the log's record. Who follows the log here knows whether it has come.

        The store is asked all the same when nothing else was ``asked`` of it: it may be away, and then nothing ends.
        """
        if run is not None and run.pod_uid is not None:
            log = self._followers.record(reference, run.attempt, run.pod_uid)
            follows = self._followers.is_under_way(reference, run.attempt, run.pod_uid)
            if log is not None or (asked and follows):
                return log
        return await self._store.logs.read_record(reference)

    async def with_output_read(self, seen: Observation, *, succeeds: bool) -> Observation:
        """Return the observation of a run that ends with what its output says: whether the main result of a success is
        what was promised, and why another run failed."""
        if not succeeds:
            problem = await left_problem(seen, self._store, self._reads)
            return seen if problem is None else replace(seen, left_problem=problem)
        problem = await output_problem(seen, self._store, self._reads, self._checker)
        fault = await output_fault(seen, self._store, self._reads) if problem is None else None
        if problem is None and fault is None:
            return seen
        return replace(seen, output_problem=problem, output_fault=fault)

    def forget(self, reference: ExecutionReference) -> None:
        """Forget what was read of a run that has ended."""
        self._manifests.forget(reference)

    async def _main_output(
        self, reference: ExecutionReference, manifest: OutputManifest | None, log: LogRecord | None
    ) -> MainOutput | None:
        if manifest is not None and has_main_result(manifest):
            size = next(file.size for file in manifest.files if file.path == MAIN_RESULT_FILE)
            if size > MAIN_OUTPUT_LIMIT:
                return MainOutput(None, from_log=False)
            stream = await self._store.outputs.of(reference, manifest.attempt).open(MAIN_RESULT_FILE)
            data = b"" if stream is None else b"".join([bytes(chunk) async for chunk in stream.chunks])
            return MainOutput(main_result_text(data), from_log=False)
        if log is None or log.stdout_result is None:
            return None
        if log.stdout_result.size > MAIN_OUTPUT_LIMIT:
            return MainOutput(None, from_log=True)
        printed = await self._store.logs.read_stdout_result(reference)
        return MainOutput(main_result_text(printed or b""), from_log=True)


def running_with(execution: ServiceExecution) -> tuple[ServiceExecution, bool]:
    """Return the execution with the spec that it runs with; False when what it took cannot be read."""
    try:
        return execution.model_copy(update={"spec": effective_spec(execution)}), True
    except ValidationError:
        return execution, False


def _seems_preempted(job: JobView, pod: PodView | None, execution: ServiceExecution) -> bool:
    """Tell whether the Job as it is known is suspended although its pod has come: it may have been admitted since."""
    return job.spec.suspend and (pod is not None or execution.status.start_time is not None)


def _waits_for_start(seen: Observation) -> bool:
    if seen.job is None or seen.job.spec.suspend or seen.job.failed is not None:
        return False
    if seen.pod is None:
        return seen.status.pod is None
    main = seen.pod.main
    return not seen.pod.ended and main.running is None and main.terminated is None


def _is_explained(pod: PodView, seen: Observation) -> bool:
    """Tell whether the pod's own status says what main waits for: volumes are there once a container has begun."""
    states = [container.state for container in pod.status.init_container_statuses]
    begun = any(state.running is not None or state.terminated is not None for state in states)
    return begun or start_problem(pod, seen.limits) is not None


def _may_have_ended(seen: Observation) -> bool:
    return seen.job is None or seen.pod is None or seen.pod.ended or seen.pod.main.terminated is not None
