"""Deliveries to receivers that are down, slow and lying, on loopback; time passes at once."""

import asyncio
import base64
import contextlib
import tracemalloc
from typing import cast

import pytest
from standardwebhooks.webhooks import Webhook

from serviceexecution.callbacks.allow_list import Target
from serviceexecution.callbacks.delivery import LONGEST_PAUSE, MOST_TRIES, Deliverer
from serviceexecution.callbacks.sender import Sender
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.events import EventPoster
from serviceexecution.kube.kinds import SECRETS, SERVICE_EXECUTIONS
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import ExecutionStatus
from serviceexecution.store.store import ResultStore
from tests.unit.callbacks.executions import execution
from tests.unit.gateway.service_api.service_cluster import ServiceCluster

NAMESPACE = "team-a"
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver:
    """Answers each request with the next of ``answers``; the last one again and again."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    async def _serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
            self.requests.append((head, await reader.readexactly(length)))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer is None:
                await asyncio.sleep(30)
            once, _, again = answer.partition(b"AGAIN")
            writer.write(once)
            if answer.endswith(b"ENDLESS"):
                while True:
                    writer.write(b"x" * 65536)
                    await writer.drain()
            while again:
                writer.write(again * 100)
                await writer.drain()
            await writer.drain()
        writer.close()


class Stage:
    def __init__(self, directory, url, **more):
        self.cluster = ServiceCluster()
        self.cluster.seed(
            SECRETS,
            NAMESPACE,
            "serviceexecution-callbacks",
            data={"default": base64.b64encode(b"k").decode()},
        )
        ended = execution()
        spec = ended.spec.model_copy(update={"callback": ended.spec.callback.model_copy(update={"url": url})})
        self.execution = ended.model_copy(update={"spec": spec})
        body = ended.model_dump(mode="json", by_alias=True, exclude_none=True)
        self.cluster.seed(SERVICE_EXECUTIONS, NAMESPACE, "run", **body)
        self.store = ResultStore.open(f"file://{directory}", "c")
        self.slept = []
        self.posted = []
        self.deliverer = Deliverer(
            cast("KubernetesClient", self.cluster),
            self.store,
            cast("EventPoster", self),
            allowed_urls=more.get("allowed", [url]),
            sender=Sender(rule=more.get("rule", lambda *_: True), seconds=more.get("seconds", 5)),
            sleep=self._sleep,
        )

    async def _sleep(self, seconds):
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def post(self, about, **event):
        self.posted.append(event["reason"])
        return True

    async def run(self):
        self.deliverer.enqueue(self.execution)
        self.deliverer.enqueue(self.execution)
        async with asyncio.timeout(20):
            while self.deliverer._tasks:
                await asyncio.gather(*self.deliverer._tasks.values())
        return self.status()

    def recorded(self):
        return self.cluster.of(SERVICE_EXECUTIONS)["run"]["status"].get("callback", {})

    def status(self):
        return self.cluster.of(SERVICE_EXECUTIONS)["run"]["status"]["callback"]


async def test_a_callback_that_is_accepted_at_once_is_delivered(tmp_path):
    async with Receiver(OK) as receiver:
        stage = Stage(tmp_path, receiver.url)
        status = await stage.run()
    assert (status["state"], status["attempts"]) == ("Delivered", 1)
    ((head, body),) = receiver.requests
    assert "application/cloudevents+json" in head
    assert "webhook-signature: v1," in head.lower()
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
    assert Webhook(b"k").verify(body, headers)["data"]["status"] == "FAILED"
    assert b'"status":"FAILED"' in body


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n",
        b"garbage\r\n\r\n",
        b"",
    ],
    ids=["500", "redirect", "garbage", "closed"],
)
async def test_down_and_lying_then_accepted(tmp_path, answer):
    async with Receiver(answer, answer, OK) as receiver:
        stage = Stage(tmp_path, receiver.url)
        status = await stage.run()
    assert (status["state"], status["attempts"]) == ("Delivered", 3)
    ids = {head.lower().partition("webhook-id: ")[2].partition("\r\n")[0] for head, _ in receiver.requests}
    assert len(ids) == 1
    assert stage.slept[1] > stage.slept[0] * 1.1


async def test_an_endless_answer_is_not_read(tmp_path):
    async with Receiver(b"HTTP/1.1 200 OK\r\n\r\nENDLESS") as receiver:
        assert (await Stage(tmp_path, receiver.url).run())["state"] == "Delivered"


@pytest.mark.parametrize(
    "answer",
    [
        b"AGAINHTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nAGAINX: " + b"x" * 8000 + b"\r\n",
        b"HTTP/1.1 200 AGAIN" + b"x" * 8000,
    ],
    ids=["informational", "headers", "line"],
)
async def test_an_endless_head_is_given_up_in_time_and_little_memory(tmp_path, answer):
    async with Receiver(answer) as receiver:
        stage = Stage(tmp_path, receiver.url, seconds=2)
        tracemalloc.start()
        found = await stage.deliverer._sender.send(Target(receiver.url, "127.0.0.1", exact=True), b"{}", {})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert found.problem
    assert peak < 20 * 1024**2


async def test_a_slow_receiver_costs_its_own_time_alone(tmp_path):
    async with Receiver(None, OK) as receiver:
        stage = Stage(tmp_path, receiver.url, seconds=0.2)
        status = await stage.run()
    assert (status["state"], status["attempts"]) == ("Delivered", 2)


async def test_what_a_receiver_asks_for_is_waited(tmp_path):
    busy = b"HTTP/1.1 429 Busy\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n"
    async with Receiver(busy, OK) as receiver:
        stage = Stage(tmp_path, receiver.url)
        await stage.run()
    assert 590 < stage.slept[0] <= 600


async def test_given_up_with_a_dead_letter(tmp_path):
    async with Receiver(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as receiver:
        stage = Stage(tmp_path, receiver.url)
        status = await stage.run()
    assert (status["state"], status["attempts"]) == ("Failed", MOST_TRIES)
    assert "500" in status["message"]
    assert stage.posted == ["CallbackFailed"]
    assert b"FAILED" in await stage.store.notes.read_dead_letter(stage.execution.reference)


async def test_a_receiver_that_is_gone_is_not_tried_again(tmp_path):
    async with Receiver(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n") as receiver:
        status = await Stage(tmp_path, receiver.url).run()
    assert (status["state"], status["attempts"]) == ("Failed", 1)


async def test_where_it_may_not_go_nothing_is_sent(tmp_path):
    async with Receiver(OK) as receiver:
        status = await Stage(tmp_path, receiver.url, allowed=[]).run()
        assert (status["state"], status["attempts"]) == ("Failed", 1)
        stage = Stage(tmp_path, receiver.url, rule=lambda address, _: not address.startswith("127."))
        status = await stage.run()
        assert status["state"] == "Failed"
        assert "must not reach" in status["message"]
        named = receiver.url.replace("127.0.0.1", "localhost")
        stage = Stage(tmp_path, named, rule=lambda address, _: not address.startswith(("127.", "::1")))
        assert "must not reach" in (await stage.run())["message"]
    assert receiver.requests == []


async def test_nothing_is_sent_unsigned(tmp_path):
    async with Receiver(OK) as receiver:
        stage = Stage(tmp_path, receiver.url)
        await stage.cluster.delete(SECRETS, NAMESPACE, "serviceexecution-callbacks")
        status = await stage.run()
    assert status["state"] == "Failed"
    assert 'the key "default"' in status["message"]
    assert receiver.requests == []


async def test_a_restart_goes_on_where_it_was(tmp_path):
    async with Receiver(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", OK) as receiver:
        stage = Stage(tmp_path, receiver.url)
        forever = asyncio.Event()

        async def sleeping(_: float) -> None:
            await forever.wait()

        stage.deliverer._sleep = sleeping
        stage.deliverer.enqueue(stage.execution)
        async with asyncio.timeout(5):
            while "attempts" not in stage.recorded():  # noqa: ASYNC110 - the fake tells nobody
                await asyncio.sleep(0.01)
        await stage.deliverer.close()
        body = stage.cluster.of(SERVICE_EXECUTIONS)["run"]
        again = ServiceExecution.model_validate(
            {**body, "spec": stage.execution.spec.model_dump(by_alias=True)}
        )
        second = Stage(tmp_path, receiver.url)
        second.cluster, second.execution = stage.cluster, again
        second.deliverer._client = cast("KubernetesClient", stage.cluster)
        status = await second.run()
    assert (status["state"], status["attempts"]) == ("Delivered", 2)


async def test_a_try_that_a_wrong_clock_has_put_a_year_off_is_made_within_the_longest_pause(tmp_path):
    async with Receiver(OK) as receiver:
        stage = Stage(tmp_path, receiver.url)
        ahead = {"state": "Pending", "attempts": 1, "nextAttemptTime": "2999-01-01T00:00:00Z"}
        status = ExecutionStatus.model_validate({**stage.execution.status.model_dump(), "callback": ahead})
        stage.execution = stage.execution.model_copy(update={"status": status})
        assert (await stage.run())["state"] == "Delivered"
    assert stage.slept == [LONGEST_PAUSE * 1.25]


async def test_a_pass_before_the_watch_tells_of_the_delivery_sends_nothing_again(tmp_path):
    async with Receiver(OK) as receiver:
        stage = Stage(tmp_path, receiver.url)
        await stage.run()
        await stage.run()
    assert len(receiver.requests) == 1


async def test_a_deleted_execution_ends_quietly(tmp_path):
    async with Receiver(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as receiver:
        stage = Stage(tmp_path, receiver.url)
        await stage.cluster.delete(SERVICE_EXECUTIONS, NAMESPACE, "run")
        stage.deliverer.enqueue(stage.execution)
        await asyncio.gather(*stage.deliverer._tasks.values())
    assert len(receiver.requests) == 1


async def test_an_api_server_that_is_away_is_waited_for(tmp_path):
    async with Receiver(OK) as receiver:
        stage = Stage(tmp_path, receiver.url)
        stage.cluster.fail("patch", "serviceexecutions", KubernetesError("down", status=503))
        assert (await stage.run())["state"] == "Delivered"
    assert len(receiver.requests) == 1
