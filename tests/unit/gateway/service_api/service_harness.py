"""The gateway with services, on an API server in memory."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from serviceexecution.gateway.app import create_app
from serviceexecution.gateway.service_api.submission import submitter as submit
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.schemas.checker import SchemaChecker
from serviceexecution.store.records import LogRecord, OutputManifest, StdoutResult
from serviceexecution.store.store import ResultStore
from serviceexecution.tracing.span import Span
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE, ServiceCluster

ALICE = {"Authorization": "Bearer alice-token"}
JSON = {"Content-Type": "application/json"}
BODY = b'{"data": {"values": [1.0, 12345678901234567890]}, "$secrets": {"apiToken": "tops3cret"}, "$tags": ["t"]}'


class Service:
    """The app and shorthands."""

    def __init__(self, directory, **settings):
        self.cluster = ServiceCluster()
        self.cluster.define()
        self.store = ResultStore.open(f"file://{directory}", "cluster")
        self.schemas = SchemaChecker()
        self.state = ServiceState(self.cluster)
        self.draining = asyncio.Event()
        self.settings = GatewaySettings(store_url="", cluster_id="", **settings)
        self.spans: list[Span] = []
        self.app = create_app(
            self.store,
            self.cluster,
            self.settings,
            self.draining,
            state=self.state,
            schemas=self.schemas,
            offer_spans=self.spans.extend if self.settings.traces_url else None,
        )
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=ALICE)
        self.base = f"/services/{NAMESPACE}/{SERVICE}"

    async def post(self, body=BODY, headers=JSON, path=""):
        return await self.http.post(self.base + path, content=body, headers=headers)

    async def get(self, path="", /, **more):
        return await self.http.get(self.base + path, **more)

    def executions(self):
        return self.cluster.of(SERVICE_EXECUTIONS)

    def finish(self, name, phase, **status):
        body = self.cluster.finish(name, phase, **status)
        self.state.note(body)
        return ExecutionReference(NAMESPACE, name, body["metadata"]["uid"])

    async def started(self, **more):
        answer = await self.post(**more)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def keep(self, ref, files, printed=None):
        stored = []
        for path, data in files.items():

            async def chunks(data=data):
                yield data

            stored.append((await self.store.outputs.of(ref, 1).write(path, chunks())).file)
        now = datetime.now(UTC)
        await self.store.outputs.commit(
            ref, OutputManifest(pod_uid="p", files=tuple(stored), committed_at=now)
        )
        result = None
        if printed is not None:
            await self.store.logs.write_stdout_result(ref, printed)
            result = StdoutResult(size=len(printed), sha256="")
        await self.store.logs.commit(
            ref, LogRecord(pod_uid="p", bytes=0, lines=0, stdout_result=result, committed_at=now)
        )


@pytest.fixture
async def service(tmp_path, monkeypatch):
    monkeypatch.setattr(submit, "_PAUSE_SECONDS", 0)
    found = Service(tmp_path)
    yield found
    await found.schemas.close()


def is_problem(answer, status, code=None):
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, body["status"]) == (status, status), answer.text
    assert body["detail"]
    assert code in {None, body["code"]}, body
    return True


async def _until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a watch tells nobody
            await asyncio.sleep(0.01)
