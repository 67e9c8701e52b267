"""Runs the executions that the gateway makes, and says in their status how they stand."""

import asyncio
import base64
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from serviceexecution.contract.durations import parse_duration
from serviceexecution.contract.input.data_pools import file_properties, find_data_pools
from serviceexecution.contract.input.input_files import property_names, split_config_map
from serviceexecution.contract.input.secret_names import secret_variable
from serviceexecution.contract.json_types import (
    JsonObject,
    object_at,
    object_of,
    objects_of,
    text_at,
    text_of,
)
from serviceexecution.contract.main_result import main_result_text
from serviceexecution.contract.paths import MAIN_RESULT_FILE
from serviceexecution.executions.conditions import with_phase
from serviceexecution.executions.left_problem import problem_words
from serviceexecution.executions.reasons import Reason, sentence
from serviceexecution.executions.verdict import main_result_not_kept
from serviceexecution.kube.kinds import CONFIG_MAPS, SECRETS, SERVICE_EXECUTIONS
from serviceexecution.local.objects import LocalObjects
from serviceexecution.local.process import Given, LocalProcess
from serviceexecution.local.project import LocalProject
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase
from serviceexecution.resources.names import ANNOTATION_INPUT_PROPERTIES
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.resources.status_patch import status_patch
from serviceexecution.schemas.checker import SchemaChecker
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()
_FOR_EVER: Final = 10**9
"""Seconds. Nobody cuts a watch in the same process."""
_LONGEST_PROBLEM: Final = 1024**2
"""Bytes, as in the cluster."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How programs run."""

    namespace: str
    service: str
    spec: JsonObject
    """What sx.yaml says of the service."""
    pools: Mapping[str, Path]
    secrets: Mapping[str, str]
    """Variable to value: what the service's own secrets are here."""
    at_once: int


@dataclass(slots=True)
class _Run:
    reference: ExecutionReference
    spec: JsonObject
    status: ExecutionStatus = field(default_factory=ExecutionStatus)
    process: LocalProcess | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


class Runner:
    """Owner of the running programs, and the writer of every status."""

    def __init__(
        self,
        objects: LocalObjects,
        store: ResultStore,
        schemas: SchemaChecker,
        project: LocalProject,
        settings: Settings,
    ) -> None:
        self._objects = objects
        self._store = store
        self._schemas = schemas
        self._project = project
        self._settings = settings
        self._room = asyncio.Semaphore(settings.at_once)
        self._runs: dict[str, _Run] = {}

    async def run(self) -> None:
        """Take executions for ever; programs that still run are stopped at the end."""
        async with asyncio.TaskGroup() as tasks:
            async for event in self._objects.watch(
                SERVICE_EXECUTIONS, None, timeout_seconds=_FOR_EVER, resource_version="1"
            ):
                self._take(event.type, event.object, tasks)

    def _take(self, kind: str, body: JsonObject, tasks: asyncio.TaskGroup) -> None:
        uid, name = text_at(body, "metadata", "uid"), text_at(body, "metadata", "name")
        spec = object_of(body.get("spec"))
        run = self._runs.get(uid)
        if kind == "DELETED" or spec.get("cancel") is True:
            if run is not None:
                run.cancelled.set()
            return
        if run is None and kind == "ADDED":
            run = _Run(ExecutionReference(self._settings.namespace, name, uid), spec)
            self._runs[uid] = run
            tasks.create_task(self._serve(run), name=name)

    async def _serve(self, run: _Run) -> None:
        room = self._project.room / "runs" / run.reference.uid
        try:
            await self._say(run, Phase.PENDING, Reason.STARTING, "The program is being started.")
            async with self._room:
                if run.cancelled.is_set():
                    await self._end(run, Phase.CANCELLED, Reason.CANCELLED, "The execution was cancelled.")
                else:
                    await self._start(run, room)
        except Exception as error:
            logger.exception("execution failed", execution=run.reference.name)
            await self._end(run, Phase.FAILED, Reason.START_FAILED, f"It could not be run here: {error}")
        finally:
            del self._runs[run.reference.uid]
            await asyncio.to_thread(shutil.rmtree, room, ignore_errors=True)

    async def _start(self, run: _Run, room: Path) -> None:
        given = await self._given(run)
        missing = given.missing_pool()
        if missing is not None:
            said = (
                f"The property {missing.property} names the data pool {missing.id}, which is not here: start sx serve "
                f"with --pool {missing.id}=FOLDER."
            )
            await self._end(run, Phase.FAILED, Reason.DATA_POOL_NOT_FOUND, said)
            return
        run.process = LocalProcess(self._project, self._store, run.reference, room)
        await self._say(run, Phase.RUNNING, Reason.RUNNING, "The program is running.")
        stopping = asyncio.create_task(self._stop_when_cancelled(run, run.process))
        seconds = self._seconds(run.spec)
        try:
            code = await run.process.run(given, seconds=seconds)
        finally:
            stopping.cancel()
        await self._judge(run, code, seconds)

    async def _stop_when_cancelled(self, run: _Run, process: LocalProcess) -> None:
        await run.cancelled.wait()
        await process.stop()

    async def _judge(self, run: _Run, code: int | None, seconds: float | None) -> None:
        if run.cancelled.is_set():
            await self._end(run, Phase.CANCELLED, Reason.CANCELLED, "The execution was cancelled.")
        elif code is None:
            said = f"The program ran longer than its limit of {seconds:.0f} s and was stopped."
            await self._end(run, Phase.FAILED, Reason.TIMEOUT, said)
        elif code != 0:
            words = problem_words(await self._main_result(run))
            said = f"Its exit code is {code}. {words or ''}".rstrip()
            await self._end(run, Phase.FAILED, Reason.PROGRAM_FAILED, sentence(Reason.PROGRAM_FAILED, said))
        elif (lost := self._lost(run)) is not None:
            await self._end(run, Phase.FAILED, Reason.RESULT_NOT_KEPT, sentence(Reason.RESULT_NOT_KEPT, lost))
        elif (fault := await self._output_fault(run)) is not None:
            await self._end(run, Phase.FAILED, Reason.OUTPUT_INVALID, fault)
        else:
            await self._end(run, Phase.SUCCEEDED, Reason.SUCCEEDED, "The program ended with exit code 0.")

    @staticmethod
    def _lost(run: _Run) -> str | None:
        manifest = None if run.process is None else run.process.manifest
        return None if manifest is None else main_result_not_kept(manifest)

    async def _main_result(self, run: _Run) -> str | None:
        """Return the text of output.json, None when there is none or it is longer than a problem."""
        manifest = None if run.process is None else run.process.manifest
        files = () if manifest is None else manifest.files
        if not any(file.path == MAIN_RESULT_FILE and file.size <= _LONGEST_PROBLEM for file in files):
            return None
        stream = await self._store.outputs.of(run.reference, 1).open(MAIN_RESULT_FILE)
        if stream is None:
            return None
        return main_result_text(b"".join([bytes(chunk) async for chunk in stream.chunks]))

    async def _output_fault(self, run: _Run) -> str | None:
        """Return why the main result does not fit the schema that sx.yaml says, None when it does or says none."""
        schema = object_of(self._settings.spec.get("outputSchema"))
        if not schema:
            return None
        stream = await self._store.outputs.of(run.reference, 1).open(MAIN_RESULT_FILE)
        data = b"" if stream is None else b"".join([bytes(chunk) async for chunk in stream.chunks])
        data = data or await self._store.logs.read_stdout_result(run.reference) or b"null"
        faults = await self._schemas.check(schema, data.decode(errors="replace"))
        return f"The main result does not fit: {faults[0].path}: {faults[0].message}" if faults else None

    async def _given(self, run: _Run) -> Given:
        name, namespace = run.reference.name, self._settings.namespace
        properties: Mapping[str, str] = {}
        if "inputFrom" in run.spec:
            found = await self._objects.get(CONFIG_MAPS, namespace, name)
            told = object_at(found or {}, "metadata", "annotations").get(ANNOTATION_INPUT_PROPERTIES)
            names = property_names(told if isinstance(told, str) else None, field="the ConfigMap")
            data = {key: text_of(value) for key, value in object_of((found or {}).get("data")).items()}
            properties = split_config_map(data, field="the ConfigMap", names=names)
        pools = find_data_pools(properties)
        variables = {
            text_of(one.get("name")): text_of(one.get("value"))
            for one in objects_of(self._settings.spec.get("env"))
            if "value" in one
        }
        secrets = await self._secrets(run)
        return Given(
            file_properties(properties, pools),
            pools,
            self._settings.pools,
            {**variables, **self._settings.secrets, **secrets},
        )

    async def _secrets(self, run: _Run) -> dict[str, str]:
        wanted = object_of(run.spec.get("secrets"))
        if not wanted:
            return {}
        stored = await self._objects.get(SECRETS, self._settings.namespace, run.reference.name)
        data = object_of((stored or {}).get("data"))
        return {
            secret_variable(name): base64.b64decode(
                text_of(data.get(text_at(object_of(place), "secretKeyRef", "key")))
            ).decode()
            for name, place in wanted.items()
        }

    def _seconds(self, spec: JsonObject) -> float | None:
        limits = object_of(self._settings.spec.get("limits"))
        told = spec.get("timeout") or self._settings.spec.get("timeout") or limits.get("timeout")
        return parse_duration(told, field="timeout") if isinstance(told, str | int) else None

    async def _say(self, run: _Run, phase: Phase, reason: Reason, message: str) -> None:
        now = datetime.now(UTC)
        status = with_phase(run.status, phase, reason, message, now=now, generation=1)
        times: dict[str, datetime | int] = {}
        if phase is Phase.RUNNING:
            times = {"start_time": now, "attempts": 1}
        if phase.terminal:
            times = {"completion_time": now}
        status = status.model_copy(update=times)
        patch: JsonObject = {"status": status_patch(run.status, status)}
        run.status = status
        await self._objects.patch(
            SERVICE_EXECUTIONS, run.reference.namespace, run.reference.name, patch, subresource="status"
        )

    async def _end(self, run: _Run, phase: Phase, reason: Reason, message: str) -> None:
        await self._say(run, phase, reason, message)
        logger.info("execution has ended", execution=run.reference.name, phase=phase.value, why=message)
