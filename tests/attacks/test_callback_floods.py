"""Slow receivers of one namespace, and URLs that lead out of what is allowed (M12, controller 14 and 38).

Each test fails on 9b98b50.
"""

import asyncio
import contextlib
import tracemalloc
from typing import cast

import pytest

from serviceexecution.callbacks import delivery
from serviceexecution.callbacks.allow_list import RefusedUrlError, Target, allowed_target
from serviceexecution.callbacks.delivery import Deliverer
from serviceexecution.callbacks.sender import Answer, Sender
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.events import EventPoster
from serviceexecution.kube.kinds import SECRETS, SERVICE_EXECUTIONS
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.store.store import ResultStore
from tests.support.loop_steps import measured_steps
from tests.unit.callbacks.executions import execution
from tests.unit.gateway.service_api.service_cluster import ServiceCluster


class SlowSender:
    """Answers for hosts of ``slow`` when ``end`` is set, for others at once."""

    def __init__(self, slow=""):
        self.slow = slow
        self.end = asyncio.Event()
        self.sent: list[str] = []
        self.held: list[str] = []

    async def send(self, target: Target, body: bytes, headers: dict[str, str], *, payer: str) -> Answer:
        if self.slow and target.host.endswith(self.slow):
            self.held.append(target.host)
            await self.end.wait()
        self.sent.append(headers["webhook-id"])
        return Answer()


class Stage:
    """A deliverer on a cluster in memory."""

    def __init__(self, directory, sender: SlowSender):
        self.cluster = ServiceCluster()
        self.sender = sender
        self.deliverer = Deliverer(
            cast("KubernetesClient", self.cluster),
            ResultStore.open(f"file://{directory}", "c"),
            cast("EventPoster", None),
            allowed_urls=["https://*.example.org/", "https://shared.example.com/"],
            sender=cast("Sender", sender),
        )

    def ended(self, namespace: str, name: str, host: str) -> ServiceExecution:
        self.cluster.seed(SECRETS, namespace, "serviceexecution-callbacks", data={"default": "aw=="})
        found = execution()
        callback = found.spec.callback
        assert callback is not None
        metadata = found.metadata.model_copy(
            update={"namespace": namespace, "name": name, "uid": f"{namespace}-{name}"}
        )
        spec = found.spec.model_copy(
            update={"callback": callback.model_copy(update={"url": f"https://{host}/in"})}
        )
        made: ServiceExecution = found.model_copy(update={"metadata": metadata, "spec": spec})
        body = made.model_dump(mode="json", by_alias=True, exclude_none=True)
        self.cluster.seed(SERVICE_EXECUTIONS, namespace, name, **body)
        return made

    async def idle(self) -> None:
        async with asyncio.timeout(30):
            while self.deliverer._tasks:
                await asyncio.wait(self.deliverer._tasks.values())


@pytest.mark.parametrize("shared", [False, True], ids=["many hosts", "one host"])
async def test_slow_receivers_hold_up_nobody_else(tmp_path, shared):
    """M12: eight callbacks to receivers that say nothing for ten seconds held all turns, of all tenants."""
    sender = SlowSender(slow="example.com" if shared else "slow.example.org")
    stage = Stage(tmp_path, sender)
    for number in range(40):
        host = "shared.example.com" if shared else f"n{number}.slow.example.org"
        stage.deliverer.enqueue(stage.ended("evil", f"run-{number}", host))
    async with asyncio.timeout(10):
        while not sender.held:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
    host = "shared.example.com" if shared else "quick.example.org"
    stage.deliverer.enqueue(stage.ended("team-a", "run", host))
    if shared:  # it has its turn, although the receiver is as slow to it
        async with asyncio.timeout(10):
            while len(sender.held) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    else:
        async with asyncio.timeout(10):
            while sender.sent != ["team-a-run"]:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    assert len(sender.held) - shared <= 2
    sender.end.set()
    await stage.idle()
    assert len(sender.sent) == 41


async def test_hosts_are_forgotten_when_nothing_is_sent_to_them(tmp_path):
    """Controller 38: each subdomain of an allowed ``*.`` was kept for ever."""
    stage = Stage(tmp_path, SlowSender())
    for number in range(30):
        stage.deliverer.enqueue(stage.ended("team-a", f"run-{number}", f"n{number}.example.org"))
    await stage.idle()
    assert len(stage.sender.sent) == 30
    assert not stage.deliverer._hosts
    assert not stage.deliverer._under_way


async def test_a_pending_callback_keeps_nothing_of_the_input(tmp_path):
    """Controller 14: each kept the whole execution, for two and a half hours."""
    sender = SlowSender(slow="example.org")
    stage = Stage(tmp_path, sender)
    made = stage.ended("team-a", "run", "n.example.org")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    large = made.model_copy(
        update={"spec": made.spec.model_copy(update={"input_json": "x" * 1000 + str(made) * 1000})}
    )
    stage.deliverer.enqueue(large)
    del large
    async with asyncio.timeout(10):
        while not sender.held:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert kept < 500_000
    sender.end.set()
    await stage.idle()


async def test_callbacks_under_way_are_counted_and_a_newcomer_has_one(tmp_path, monkeypatch):
    monkeypatch.setattr(delivery, "MOST_OF_NAMESPACE", 5)
    monkeypatch.setattr(delivery, "MOST", 6)
    stage = Stage(tmp_path, SlowSender(slow="example.org"))
    for namespace in ("evil", "worse", "team-a"):
        for number in range(20):
            stage.deliverer.enqueue(stage.ended(namespace, f"run-{number}", "n.example.org"))
    assert dict(stage.deliverer._under_way) == {"evil": 5, "worse": 1, "team-a": 1}
    stage.sender.end.set()
    await stage.idle()
    stage.deliverer.enqueue(stage.ended("evil", "run-19", "n.example.org"))
    await stage.idle()
    assert "evil-run-19" in stage.sender.sent, "what had no place is taken when it is looked at again"


async def test_what_was_delivered_is_not_sent_again_before_the_watch_tells_of_it(tmp_path):
    """Controller 14: a pass between delivery and the watch's word of it sent the event once more."""
    stage = Stage(tmp_path, SlowSender())
    made = stage.ended("team-a", "run", "n.example.org")
    for _ in range(3):
        stage.deliverer.enqueue(made)
        await stage.idle()
    assert stage.sender.sent == ["team-a-run"]


@pytest.mark.parametrize(
    "path",
    [
        "/sx/..;/admin",
        "/sx/..;x=1/admin",
        "/sx/.;/admin",
        "/sx/..%3b/admin",
        "/sx/..%253B/admin",
        "/sx/%25252e%25252e/admin",
        "/sx/%2525252525252e%2525252525252e/admin",
        "/sx/.%2e/admin",
        "/sx/%2E./admin",
        "/sx%2f..%2fadmin",
        "/sx/..%252f/admin",
        "/sx/%5c../admin",
        "/sx/..%255cadmin",
        "/sx/..%20/admin",
        "/sx/..%09/admin",
        "/sx/..%00/admin",
        "/sx/%c0%ae%c0%ae/admin",
        "/sx/%u002e%u002e/admin",
        "/sx/%ef%bc%8e%ef%bc%8e/admin",
        "/sx/%e2%80%a5/admin",
        "/sx/" + "%" + "25" * 20 + "41",
    ],
)
def test_no_reading_of_a_path_leads_out_of_what_is_allowed(path):
    """M12: ``..;`` and dots that were encoded three times passed."""
    with pytest.raises(RefusedUrlError):
        allowed_target(f"https://hooks.example.com{path}", "team-a", ["https://hooks.example.com/sx/"])


@pytest.mark.parametrize(
    "path",
    [
        "/sx/a.b",
        "/sx/..a",
        "/sx/gr%C3%B6%C3%9Fe",
        "/sx/100%25",
        "/sx/a;v=1/b",
        "/sx/a%20b",
        "/sx/x?to=..%2F..",
    ],
)
def test_what_nobody_misreads_is_still_allowed(path):
    url = f"https://hooks.example.com{path}"
    assert allowed_target(url, "team-a", ["https://hooks.example.com/sx/"]).url == url


async def test_a_receiver_that_only_sends_interim_answers_ends_its_own_try_soon():
    """Thousands of "103 Early Hints" were parsed in one step of the event loop, for 10 seconds. Fails on 3daed27."""
    hints = b"HTTP/1.1 103 \r\n\r\n" * 16_384

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while not writer.is_closing():
                writer.write(hints)
                await writer.drain()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = Target(f"http://127.0.0.1:{port}/", "127.0.0.1", exact=True)
    try:
        with measured_steps() as steps:
            answer = await Sender(rule=lambda *_: True, seconds=10).send(target, b"{}", {})
    finally:
        server.close()
    assert answer == Answer("The receiver sent 16 KiB without an answer that counts.")
    assert steps.longest < 0.05
