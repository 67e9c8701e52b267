"""Gathers all that a decision is made from: cache and store, and the API server where absence matters."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog

from serviceexecution.contract.durations import DurationError
from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.contract.paths import MAIN_RESULT_FILE
from serviceexecution.controller.cache import ObjectCache
from serviceexecution.controller.decision.observation import Observation
from serviceexecution.controller.decision.plan import DEFAULT_TIMES, Plan, PlanProblem, make_plan, times_of
from serviceexecution.controller.decision.reasons import Reason
from serviceexecution.controller.decision.startup import StartLimits, creation_problem
from serviceexecution.controller.decision.verdict import MAIN_OUTPUT_LIMIT, MainOutput, has_main_result
from serviceexecution.controller.decision.views import ClaimView, ConfigMapView, JobView, PodView
from serviceexecution.controller.render.names import job_name
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import CONFIG_MAPS, EVENTS, JOBS, PERSISTENT_VOLUME_CLAIMS, PODS
from serviceexecution.resources.execution import ServiceExecution
from serviceexecution.resources.names import LABEL_DATA_POOL_ID, LABEL_EXECUTION_UID
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError
from serviceexecution.store.records import LogRecord, OutputManifest
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()

EVENTS_AFTER: Final = 2.0
"""Seconds after which the reason of a missing pod or a silent start is looked up in Events."""


class Observer:
    """Reads; never writes."""

    def __init__(
        self, client: KubernetesClient, store: ResultStore, cache: ObjectCache, limits: StartLimits
    ) -> None:
        self._client = client
        self._store = store
        self._cache = cache
        self._limits = limits

    async def observe(self, execution: ServiceExecution) -> Observation:
        """Return what is true of ``execution`` now; raises KubernetesError and store errors."""
        try:
            times = times_of(execution.spec)
        except DurationError:
            times = DEFAULT_TIMES  # the plan names the field
        phase = execution.status.phase
        ended = phase is not None and phase.terminal
        job = self._cache.job(execution.metadata.uid) if ended else await self._job(execution)
        pod = None if ended else await self._pod(execution, job)
        seen = Observation(
            execution=execution,
            times=times,
            now=datetime.now(UTC),
            limits=self._limits,
            job=job,
            pod=pod,
        )
        if ended:
            return seen
        if job is None and execution.status.job is None:
            return replace(seen, plan=await self._plan(execution))
        if _waits_for_start(seen):
            return await self._with_warnings(seen)
        if _may_have_ended(seen):
            return await self._with_results(seen)
        return seen

    async def _job(self, execution: ServiceExecution) -> JobView | None:
        uid = execution.metadata.uid
        job = self._cache.job(uid)
        if job is not None:
            return job
        recorded = execution.status.job
        name = recorded.name if recorded is not None else job_name(execution.reference, 1)
        if recorded is None and execution.status.phase is None:
            return None  # new: creating the Job tells whether there is one
        body = await self._client.get(JOBS, execution.metadata.namespace, name)
        if body is None:
            return None
        job = JobView.model_validate(body)
        if not job.metadata.controlled_by(uid):
            return None
        self._cache.put_job(job)
        return job

    async def _pod(self, execution: ServiceExecution, job: JobView | None) -> PodView | None:
        uid = execution.metadata.uid
        recorded = execution.status.job
        job_uid = job.metadata.uid if job is not None else (recorded.uid if recorded is not None else None)
        if job_uid is None:
            return None
        pod = self._cache.pod(uid, job_uid)
        gone_unseen = pod is not None and job is None
        missing = pod is None and (
            execution.status.pod is not None or (job is not None and (job.failed is not None or job.complete))
        )
        if not (gone_unseen or missing):
            return pod
        found = await self._client.list(
            PODS, execution.metadata.namespace, label_selector=f"{LABEL_EXECUTION_UID}={uid}"
        )
        pods = [PodView.model_validate(item) for item in found.items]
        if pod is not None and all(pod.metadata.uid != other.metadata.uid for other in pods):
            self._cache.drop_pod(pod)
        for other in pods:
            self._cache.put_pod(other)
        return self._cache.pod(uid, job_uid)

    async def _plan(self, execution: ServiceExecution) -> Plan | PlanProblem:
        spec, namespace, uid = execution.spec, execution.metadata.namespace, execution.metadata.uid
        input_map = None
        if spec.input_from is not None:
            body = await self._client.get(CONFIG_MAPS, namespace, spec.input_from.config_map_ref.name)
            input_map = None if body is None else ConfigMapView.model_validate(body)
        plan = make_plan(spec, uid, input_map, ())
        if not isinstance(plan, PlanProblem) or plan.reason is not Reason.DATA_POOL_NOT_FOUND:
            return plan
        claims = await self._client.list(
            PERSISTENT_VOLUME_CLAIMS, namespace, label_selector=LABEL_DATA_POOL_ID
        )
        return make_plan(spec, uid, input_map, [ClaimView.model_validate(item) for item in claims.items])

    async def _with_warnings(self, seen: Observation) -> Observation:
        job, pod = seen.job, seen.pod
        if job is None:
            return seen
        about = job.metadata if pod is None else pod.metadata
        if (seen.now - about.creation_timestamp).total_seconds() < EVENTS_AFTER:
            return seen
        found = await self._client.list(
            EVENTS, about.namespace, field_selector=f"involvedObject.uid={about.uid},type=Warning"
        )
        newest = max(found.items, key=_event_time, default=None)
        message = str(newest.get("message") or "") if newest is not None else ""
        if pod is not None:
            return replace(seen, warning=message)
        problem = creation_problem(message, self._limits) if message else None
        return replace(seen, creation_problem=problem)

    async def _with_results(self, seen: Observation) -> Observation:
        reference = seen.execution.reference
        try:
            manifest = await self._store.read_manifest(reference)
            log = await self._store.read_log_record(reference)
            output = await self._main_output(reference, manifest, log)
        except StoreError as error:
            # A store that is away must not hold back the collect timeout; one unreadable record is a missing one.
            logger.warning("the store does not answer", error=str(error))
            return replace(seen, results_unknown=error.retriable)
        return replace(seen, manifest=manifest, log=log, output=output)

    async def _main_output(
        self, reference: ExecutionReference, manifest: OutputManifest | None, log: LogRecord | None
    ) -> MainOutput | None:
        if manifest is not None and has_main_result(manifest):
            size = next(file.size for file in manifest.files if file.path == MAIN_RESULT_FILE)
            if size > MAIN_OUTPUT_LIMIT:
                return MainOutput(None, from_log=False)
            stream = await self._store.open_output(reference, MAIN_RESULT_FILE, None)
            data = b"" if stream is None else b"".join([bytes(chunk) async for chunk in stream.chunks])
            return MainOutput(_text(data), from_log=False)
        if log is None or log.stdout_result is None:
            return None
        if log.stdout_result.size > MAIN_OUTPUT_LIMIT:
            return MainOutput(None, from_log=True)
        return MainOutput(_text(await self._store.read_stdout_result(reference) or b""), from_log=True)


def _text(data: bytes) -> str | None:
    """Return the text, or None when it is none that the API can hold; the file itself is kept as it is."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _waits_for_start(seen: Observation) -> bool:
    if seen.job is None or seen.job.spec.suspend or seen.job.failed is not None:
        return False
    if seen.pod is None:
        return seen.status.pod is None
    main = seen.pod.main
    return not seen.pod.ended and main.running is None and main.terminated is None


def _may_have_ended(seen: Observation) -> bool:
    return seen.job is None or seen.pod is None or seen.pod.ended or seen.pod.main.terminated is not None


def _event_time(event: JsonObject) -> str:
    times: list[JsonValue] = [event.get("lastTimestamp"), event.get("eventTime"), event.get("firstTimestamp")]
    return next((time for time in times if isinstance(time, str)), "")
