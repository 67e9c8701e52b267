"""The whole operator on the API server in memory: controller, gateway, collectors, a node, and time."""

import asyncio
import contextlib
import copy
import uuid
from collections import Counter
from datetime import datetime
from typing import Any, Final
from unittest import mock

import httpx
from obstore.store import MemoryStore

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.app import create_app
from serviceexecution.gateway.service_api.submission import submitter
from serviceexecution.gateway.service_api.submission.sweep import SubmissionSweeper
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS, ResourceKind
from serviceexecution.logs import chunks
from serviceexecution.schemas.checker import SchemaChecker
from serviceexecution.store.store import ResultStore
from tests.faults.controlling import ControllerLife, FakeReceiver
from tests.faults.kubelet import Kubelet
from tests.faults.news import News
from tests.faults.plan import FaultPlan
from tests.faults.processes import Killed, Process, ProcessClient, ProcessObjects
from tests.support.api_server.changes import Change
from tests.support.api_server.server import ApiServer
from tests.unit.executions.builders import at

NAMESPACE: Final = "team"
USER: Final = {"Authorization": "Bearer user", "Content-Type": "application/json"}
_SPACE: Final = uuid.UUID("0a1b2c3d-0000-4000-8000-000000000000")
_SWEEP_ROUNDS: Final = 300
SINCE_CREATION: Final = -1
"""In place of a number of changes."""


class Server(ApiServer):
    """Gives the same uids in every run, and a uid only once."""

    page_size = 100

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self._made: Counter[tuple[str, str]] = Counter()
        self.history: list[Change] = []
        self._add = self.changes.add
        self.changes.add = self._remember  # type: ignore[method-assign]

    def _remember(self, change: Change) -> None:
        self.history.append(copy.deepcopy(change))
        self._add(change)

    def past(self, changes: int) -> tuple[ApiServer, list[Change]]:
        """Return the server as it was so many changes ago, and what has happened since.

        SINCE_CREATION: as it was when the first execution was new.
        """
        at_ = max(0, len(self.history) - changes)
        if changes == SINCE_CREATION:
            of_executions = [change.plural == SERVICE_EXECUTIONS.plural for change in self.history]
            at_ = of_executions.index(True) + 1 if True in of_executions else 0
        old = ApiServer(self.now)
        for change in self.history[:at_]:
            old.version = change.version
            if change.after is None:
                old.objects = {k: v for k, v in old.objects.items() if _uid(v) != _uid(change.before)}
            else:
                name = str(_metadata(change.after)["name"])
                old.objects[change.plural, change.namespace, name] = copy.deepcopy(change.after)
        return old, self.history[at_:]

    def put(self, kind: ResourceKind, manifest: JsonObject) -> JsonObject:
        body = copy.deepcopy(manifest)
        metadata: Any = body["metadata"]
        one = kind.plural, str(metadata["name"])
        self._made[one] += 1
        metadata.setdefault("uid", str(uuid.uuid5(_SPACE, f"{one[0]}/{one[1]}/{self._made[one]}")))
        return super().put(kind, body)


def _metadata(body: Any) -> Any:
    return body["metadata"]


def _uid(body: Any) -> Any:
    return body["metadata"].get("uid")


class Installation:
    """One operator from its installation on."""

    def __init__(self, plan: FaultPlan, checkers: tuple[SchemaChecker, SchemaChecker]) -> None:
        self.plan = plan
        self.seconds = 0.0
        self.server = Server(self._time)
        self.server.tokens["user", None] = TokenIdentity("alice")
        self.news = News(self.server)
        self.backend = MemoryStore()
        self.store_state: dict[str, bool] = {}
        self.store = self._store(Process("test", FaultPlan()))
        self.receiver = FakeReceiver()
        self.kubelet = Kubelet(self.server, self.ask, lambda name: Process(name, plan), self.now)
        self.gateway_down = False
        self.lives = 0
        self.lag = 0
        """By how many changes a controller that is started anew is behind."""
        self.faults: list[str] = []
        self.failures: list[Exception] = []
        """With what passes of controllers have failed; each was repeated."""
        self._checkers = checkers
        self._patches: list[Any] = [
            mock.patch.object(chunks, "FIRST_RETRY_SECONDS", 0.001),
            mock.patch.object(chunks, "MAX_RETRY_SECONDS", 0.01),
            mock.patch.object(submitter, "_PAUSE_SECONDS", 0),
        ]
        for patch in self._patches:
            patch.start()
        self._gateway: tuple[Process, httpx.AsyncClient, SubmissionSweeper] | None = None
        self._controller: ControllerLife | None = None

    def now(self) -> float:
        """Return the seconds since the beginning."""
        return self.seconds

    def _time(self) -> datetime:
        return at(self.seconds)

    # Processes -------------------------------------------------------------------------------------------

    def _store(self, process: Process) -> ResultStore:
        return ResultStore(ProcessObjects(self.backend, process, self.store_state), "test")

    def _client(self, process: Process) -> ProcessClient:
        return ProcessClient(process, self.server, self.kubelet.log_lines)

    def _start_gateway(self) -> tuple[Process, httpx.AsyncClient, SubmissionSweeper]:
        process = Process("gateway", self.plan)
        client: Any = self._client(process)
        state = ServiceState(client)
        app = create_app(
            self._store(process),
            client,
            GatewaySettings(store_url="", cluster_id="test"),
            asyncio.Event(),
            state=state,
            schemas=self._checkers[0],
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        http = httpx.AsyncClient(transport=transport, base_url="http://gateway")
        self._gateway = process, http, SubmissionSweeper(client)
        return self._gateway

    async def ask(
        self, method: str, target: str, headers: dict[str, str], data: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request to the gateway; raises ConnectionError when it dies of it or is away."""
        if self.gateway_down:
            raise ConnectionError("connection refused")
        gateway = self._gateway
        if gateway is None or not gateway[0].alive:
            gateway = self._start_gateway()
        process, http, _ = gateway
        try:
            answer = await http.request(method, target, headers=headers, content=data)
        except BaseException:
            if process.alive:
                raise
            raise ConnectionError("connection reset by peer") from None
        if not process.alive:
            raise ConnectionError("connection reset by peer")
        if answer.status_code == 500:
            self.faults.append(f"the gateway answers 500: {answer.text}")
        return answer.status_code, dict(answer.headers), answer.content

    async def restart_controller(self) -> ControllerLife:
        """Start the controller anew, with nothing in its head."""
        if self._controller is not None:
            await self._controller.end()
            self.faults += self._controller.faults
        process = Process("controller", self.plan)
        client = self._client(process)
        lag = self.lag if self.lives else 0
        self._controller = ControllerLife(
            process,
            client,
            self._store(process),
            self.now,
            receiver=self.receiver,
            news=self.news,
            checker=self._checkers[1],
            gateway_is_there=lambda: not self.gateway_down,
            store_is_there=lambda: not self.store_state.get("away", False),
            failures=self.failures,
        )
        self.lives += 1
        with contextlib.suppress(Killed):
            await self._controller.start(*(self.server.past(lag) if lag else ()))
        return self._controller

    # Time ------------------------------------------------------------------------------------------------

    async def round(self, seconds: float = 1) -> None:
        """Let everybody work, and so many seconds pass."""
        self.news.round += 1
        await self.kubelet.step()
        await self.control()
        if self.news.round % _SWEEP_ROUNDS == 0:
            await self.sweep()
        self.seconds += seconds

    async def control(self) -> None:
        """Let the controller work; one that was killed is started again."""
        controller = self._controller
        if controller is None or not controller.process.alive:
            controller = await self.restart_controller()
        try:
            await controller.step()
        except Killed:
            await self.restart_controller()

    async def sweep(self) -> None:
        """Let the gateway look for what cut off submissions have left."""
        gateway = self._gateway
        if gateway is not None and gateway[0].alive:
            with contextlib.suppress(Killed):
                await gateway[2].once(self._time())

    async def close(self) -> None:
        """End everything."""
        if self._controller is not None:
            await self._controller.end()
            self.faults += self._controller.faults
        for patch in self._patches:
            patch.stop()
        await self.kubelet.close()
        if self._gateway is not None:
            await self._gateway[1].aclose()

    # Users -----------------------------------------------------------------------------------------------

    def define(self, name: str = "adder", **spec: Any) -> None:
        """Create a service."""
        body: Any = {
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"runtime": {"docker": {"image": "sum:1"}}, **spec},
        }
        self.server.put(SERVICE_DEFINITIONS, body)

    def apply(self, name: str = "sum", **spec: Any) -> None:
        """Create an execution, as ``kubectl apply`` does."""
        body: Any = {
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"runtime": {"docker": {"image": "sum:1"}}, "inputJson": '{"data": 1}', **spec},
        }
        body["spec"] = {key: value for key, value in body["spec"].items() if value is not None}
        self.server.put(SERVICE_EXECUTIONS, body)

    def edit(self, name: str, **spec: Any) -> None:
        """Change an execution's spec."""
        self.server.change(SERVICE_EXECUTIONS, NAMESPACE, name, {"spec": spec})

    def delete(self, name: str) -> None:
        """Delete an execution, as ``kubectl delete`` does."""
        self.server.remove(SERVICE_EXECUTIONS, NAMESPACE, name)

    async def submit(self, service: str, body: bytes, key: str) -> int | None:
        """Send a submission as a client does; None when nobody has answered: it is to be sent again."""
        headers = {**USER, "Idempotency-Key": key}
        try:
            status, _, _ = await self.ask("POST", f"/services/{NAMESPACE}/{service}", headers, body)
        except ConnectionError:
            return None
        return None if status in {429, 503} else status

    def executions(self) -> dict[str, Any]:
        """Return the executions by name."""
        return self._all(SERVICE_EXECUTIONS)

    def definitions(self) -> dict[str, Any]:
        """Return the services by name."""
        return self._all(SERVICE_DEFINITIONS)

    def _all(self, kind: ResourceKind) -> dict[str, Any]:
        return {
            name: body for (plural, _, name), body in self.server.objects.items() if plural == kind.plural
        }

    def phase(self, name: str) -> str | None:
        """Return an execution's phase."""
        body = self.executions().get(name)
        return None if body is None else (body.get("status") or {}).get("phase")

    def only(self) -> str | None:
        """Return the name of the only execution, if there is one."""
        names = list(self.executions())
        return names[0] if names else None
