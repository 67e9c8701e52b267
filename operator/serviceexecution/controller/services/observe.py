"""Gathers all that a decision about a service's builds is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from serviceexecution.builds.choose_builder import choose_builder
from serviceexecution.builds.decide import wanted_by
from serviceexecution.builds.names import build_job_name, build_reference
from serviceexecution.builds.observation import BuildObservation
from serviceexecution.builds.problems import build_problem
from serviceexecution.builds.revisions import active_of, advanced
from serviceexecution.builds.settings import BuildsSettings
from serviceexecution.controller.clock import Clock
from serviceexecution.controller.job_actions import JobReader
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.service_problem import Checker
from serviceexecution.controller.services.pod_security import NamespaceLevels
from serviceexecution.controller.services.slots import BuildSlots
from serviceexecution.controller.store_reads import StoreReads
from serviceexecution.controller.warnings import Warnings, creation_problem_of
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.resources.model import OpaqueObject
from serviceexecution.resources.pods.container_needs import PLACES_OF_BUILDS
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_start import StartLimits, mount_problem
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import Revision, RevisionPhase
from serviceexecution.schemas.checker import SchemaTimeoutError
from serviceexecution.schemas.rules import SchemaUnusableError
from serviceexecution.store.errors import CorruptRecordError
from serviceexecution.store.records import BuildReport, LogRecord
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class ServiceObserver:
    """Reads; never writes. ``settings`` is None when this installation builds nothing."""

    client: KubernetesClient
    store: ResultStore
    reads: StoreReads
    cache: ObjectCache
    slots: BuildSlots
    namespaces: NamespaceLevels
    checker: Checker
    settings: BuildsSettings | None
    limits: StartLimits
    clock: Clock
    warnings: Warnings = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "warnings", Warnings(self.client))

    @property
    def _jobs(self) -> JobReader:
        return JobReader(self.client, self.cache.builds)

    async def observe(self, definition: ServiceDefinition, problem: str | None) -> BuildObservation:
        """Return what is true of the service and its builds now; ``problem`` is why none of its executions can start.

        Raises KubernetesError and StoreError.
        """
        seen = BuildObservation(
            definition,
            self.clock(),
            settings=self.settings,
            limits=self.limits,
            problem=problem,
            build_problem=build_problem(definition),
            jobs=self.cache.builds.jobs(definition.metadata.uid, definition.metadata.namespace),
        )
        namespace = definition.metadata.namespace
        if self.settings is not None and definition.is_built and self.settings.allows(namespace):
            builder, why = choose_builder(self.settings, await self.namespaces.enforced(namespace))
            seen = replace(seen, builder=builder, no_builder=why)
        active = active_of(advanced(definition.status, wanted_by(seen), seen.now))
        if active is None:
            return await self._with_leftovers(seen)
        if active.phase is RevisionPhase.PENDING:
            return await self._with_leftovers(await self._pending(seen, active))
        seen = await self._with_job(seen, active)
        seen = await self._with_leftovers(seen)
        return await self._building(seen, active)

    async def _pending(self, seen: BuildObservation, active: Revision) -> BuildObservation:
        build, source = seen.definition.spec.build, seen.definition.spec.source
        if seen.builder is None or (build is not None and build.cancel == active.name):
            return seen
        if active.next_attempt_time is not None and active.next_attempt_time > seen.now:
            return seen
        if source is not None and source.archive is not None:
            digest = source.archive.digest.removeprefix("sha256:")
            namespace = seen.definition.metadata.namespace
            found = await self.reads.ask(namespace, lambda: self.store.sources.stat_source(namespace, digest))
            if found is None:
                return replace(seen, source_missing=True)
        return replace(seen, before=self.slots.ask(seen.definition, active))

    async def _with_job(self, seen: BuildObservation, active: Revision) -> BuildObservation:
        """Ask for the recorded Job when it is not known: that it is gone is concluded from the API server only."""
        if active.job is None or seen.job_of(active) is not None:
            return seen
        metadata = seen.definition.metadata
        name = build_job_name(metadata, active.name, active.attempts)
        job = await self._jobs.job(metadata.namespace, name)
        if job is None or job.metadata.uid != active.job.uid:
            return seen
        return replace(seen, jobs=(*seen.jobs, job))

    async def _with_leftovers(self, seen: BuildObservation) -> BuildObservation:
        """Add the Jobs' pods, and the logs of those that have ended."""
        metadata = seen.definition.metadata
        pods: dict[str, PodView] = {}
        for job in seen.jobs:
            if (pod := self.cache.builds.pod(metadata.uid, metadata.namespace, job.metadata.uid)) is not None:
                pods[job.metadata.uid] = pod
        seen = replace(seen, pods=pods)
        logs: dict[str, LogRecord] = {}
        for revision in seen.definition.status.revisions:
            own = seen.job_of(revision)
            if own is None and (revision.job is None or revision.phase.terminal):
                continue
            if own is not None and _still_runs(pods, own):
                continue
            record = await self._log(seen.definition, revision)
            if record is not None:
                logs[revision.name] = record
        return replace(seen, logs=logs)

    async def _building(self, seen: BuildObservation, active: Revision) -> BuildObservation:
        job = seen.job_of(active)
        if job is None:
            return await self._with_report(seen, active)
        pod = seen.pods.get(job.metadata.uid)
        over = job.failed is not None or job.complete
        if (pod is None and active.build_time is not None) or (over and _unended(pod)):
            seen = await self._with_pod(seen, job)
            pod = seen.pods.get(job.metadata.uid)
            if pod is None:
                return await self._with_report(seen, active)
        if pod is not None and (pod.ended or pod.main.terminated is not None):
            return await self._with_report(seen, active)
        if pod is None or pod.main.running is None:
            return await self._with_warning(seen, active, job, pod)
        return seen

    async def _with_pod(self, seen: BuildObservation, job: JobView) -> BuildObservation:
        metadata = seen.definition.metadata
        await self._jobs.pods(metadata.uid, metadata.namespace)
        pod = self.cache.builds.pod(metadata.uid, metadata.namespace, job.metadata.uid)
        return seen if pod is None else replace(seen, pods={**seen.pods, job.metadata.uid: pod})

    async def _with_warning(
        self, seen: BuildObservation, active: Revision, job: JobView, pod: PodView | None
    ) -> BuildObservation:
        about = job.metadata if pod is None else pod.metadata
        message = await self.warnings.newest(about, seen.now)
        if not message:
            return seen
        if pod is None:
            problem = await creation_problem_of(
                self.client, about, message, self.limits, said=active.reason, places=PLACES_OF_BUILDS
            )
            return replace(seen, creation_problem=problem, warning=message)
        return replace(seen, mount_problem=mount_problem(message, self.limits), warning=message)

    async def _log(self, definition: ServiceDefinition, revision: Revision) -> LogRecord | None:
        try:
            reference = build_reference(definition.metadata, revision.name)
            return await self.reads.ask(reference.namespace, lambda: self.store.logs.read_record(reference))
        except CorruptRecordError as error:
            logger.warning("the record of a build's log cannot be read", error=str(error))
            return None

    async def _with_report(self, seen: BuildObservation, active: Revision) -> BuildObservation:
        try:
            reference = build_reference(seen.definition.metadata, active.name)
            report = await self.reads.ask(reference.namespace, lambda: self.store.reports.read(reference))
        except CorruptRecordError as error:
            logger.warning("the report of a build cannot be read", error=str(error))
            return seen
        if report is None:
            return seen
        return replace(seen, report=await self._with_usable_schemas(report))

    async def _with_usable_schemas(self, report: BuildReport) -> BuildReport:
        """Leave out schemas that inputs could not be checked against: they would refuse every execution."""
        return report.model_copy(
            update={
                "input_schema": await self._usable(report.input_schema),
                "output_schema": await self._usable(report.output_schema),
            }
        )

    async def _usable(self, schema: OpaqueObject | None) -> OpaqueObject | None:
        if schema is None:
            return None
        try:
            await self.checker.check_schema(schema)
        except (SchemaUnusableError, SchemaTimeoutError) as error:
            logger.warning("a schema that was made from a signature cannot be used", error=str(error))
            return None
        return schema


def _unended(pod: PodView | None) -> bool:
    """Tell whether nothing is known of the pod's end: a watch may have lost it."""
    return pod is None or not (pod.ended or pod.main.terminated is not None)


def _still_runs(pods: Mapping[str, PodView], job: JobView) -> bool:
    pod = pods.get(job.metadata.uid)
    return pod is not None and _unended(pod)
