"""M4: streams that outlive the right to read them, and any number of them. Each test fails on 9b98b50."""

import asyncio
from contextlib import ExitStack
from functools import partial
from typing import cast

import pytest

from serviceexecution.gateway.access import callers
from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.logs import reader, streams
from serviceexecution.gateway.logs.streams import PER_CALLER, PER_NAMESPACE, PER_PROCESS, Streams
from serviceexecution.kube.errors import KubernetesError
from tests.unit.gateway.builds.build_harness import Build
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import ALICE

END = "event: end"
LINE = b"2026-11-27T00:00:00Z one\n"


class Follower(Build):
    """A log that grows, of an execution or of a build, and somebody who follows it."""

    def __init__(self, directory):
        super().__init__(directory)
        self.asked_again = asyncio.Event()
        self.down_for_reviews = False
        review = self.cluster.review_token

        async def counted(token, audience):
            self.asked_again.set()
            if self.down_for_reviews:
                raise KubernetesError("down", status=503)
            return await review(token, audience)

        setattr(self.cluster, "review_token", counted)  # noqa: B010 - mypy lets no method be assigned

    async def place(self, kind):
        if kind == "build":
            return f"/api/v1/namespaces/{NAMESPACE}/services/{SERVICE}/builds/r1/log"
        self.cluster.define("plain")
        base = f"/services/{NAMESPACE}/plain"
        name = (await self.http.post(base, content=b"{}", headers=ALICE)).json()["id"]
        ref = self.finish(name, "Running")
        await self.store.logs.of(ref, 1).write(1, LINE)
        if kind == "service":
            return f"{base}/{name}/log"
        return f"/api/v1/namespaces/{NAMESPACE}/executions/{name}/log"

    async def follow(self, kind="service"):
        """Return the open stream: its text is there when it ends."""
        place = await self.place(kind)
        stream = asyncio.create_task(self.http.get(place, params={"follow": "true"}, headers=ALICE))
        await self.reviewed(stream)
        return stream

    async def reviewed(self, stream, times=2):
        for _ in range(times):
            self.asked_again.clear()
            async with asyncio.timeout(30):
                await self.asked_again.wait()
            assert not stream.done()


@pytest.fixture
async def follower(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(streams, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(callers, "ACCESS_SECONDS", 0.01)
    monkeypatch.setattr(callers, "_ASK_AGAIN_SECONDS", 0.01)
    found = Follower(tmp_path)
    yield found
    await found.schemas.close()


def test_a_right_that_is_gone_is_known_to_be_gone_within_a_minute():
    assert 2 * streams.AGAIN_SECONDS + callers.ACCESS_SECONDS + reader.POLL_SECONDS < 60


@pytest.mark.parametrize("kind", ["service", "execution", "build"])
@pytest.mark.parametrize("lost", ["token", "right"])
async def test_a_stream_ends_with_the_token_and_with_the_right(follower, kind, lost):
    stream = await follower.follow(kind)
    if lost == "token":
        follower.cluster.tokens.clear()
    else:
        follower.cluster.allowed = lambda _: False
    answer = await asyncio.wait_for(stream, 30)
    assert answer.status_code == 200
    assert END not in answer.text, "the log is not over: who may read it goes on behind the last line"


async def test_a_stream_goes_on_while_the_api_server_is_away_as_new_requests_do(follower):
    stream = await follower.follow()
    follower.down_for_reviews = True
    await follower.reviewed(stream, times=4)
    follower.down_for_reviews = False
    follower.cluster.tokens.clear()
    await asyncio.wait_for(stream, 30)


async def test_a_client_that_does_not_read_keeps_no_stream_whose_right_is_gone(follower, monkeypatch):
    monkeypatch.setattr(streams, "_GRACE_SECONDS", 0.05)
    place = await follower.place("service")
    heads = []

    async def receive():
        await asyncio.sleep(3600)

    async def send(message):
        heads.append(message)
        await asyncio.sleep(3600)  # the connection's buffer is full

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": place,
        "raw_path": place.encode(),
        "query_string": b"follow=true",
        "headers": [(b"host", b"gateway"), (b"authorization", b"Bearer alice-token")],
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "server": ("gateway", 80),
        "state": {},
    }
    stream = asyncio.create_task(follower.app(scope, receive, send))
    await follower.reviewed(stream)
    follower.cluster.tokens.clear()
    await asyncio.wait_for(stream, 30)
    assert heads[0]["status"] == 200


async def test_somebody_follows_so_many_logs_and_no_more(follower, monkeypatch):
    monkeypatch.setattr(streams.Bounds, "per_caller", 2)
    place = await follower.place("service")

    def follow():
        return follower.http.get(place, params={"follow": "true"}, headers=ALICE)

    open_streams = [asyncio.create_task(follow()) for _ in range(2)]
    await follower.reviewed(open_streams[0])
    refused = await follow()
    assert (refused.status_code, refused.json()["code"]) == (429, "TooManyStreams")
    assert int(refused.headers["retry-after"]) > 0
    assert (await follower.http.get(place, headers=ALICE)).status_code == 200, "not followed it is read"
    open_streams[0].cancel()
    await asyncio.gather(open_streams[0], return_exceptions=True)
    again = asyncio.create_task(follow())
    await follower.reviewed(again)
    follower.draining.set()
    answers = await asyncio.gather(again, open_streams[1])
    assert {answer.status_code for answer in answers} == {200}


async def test_a_stream_that_makes_room_ends_behind_its_last_line(follower, monkeypatch):
    monkeypatch.setattr(streams.Bounds, "per_namespace", 1)
    monkeypatch.setattr(streams, "_newest_of_most", lambda places, _: next(iter(places)))
    first = await follower.follow()
    second = await follower.follow()
    answer = await asyncio.wait_for(first, 30)
    assert answer.status_code == 200
    assert "one" in answer.text
    assert END not in answer.text
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)


async def test_looks_at_the_logs_of_one_namespace_are_bounded(follower, monkeypatch):
    """On 9b98b50 each of 64 streams looked into the store each second, and cost all others as much as it liked."""
    monkeypatch.setattr(streams, "LOOKS_PER_SECOND", 1)
    monkeypatch.setattr(streams, "LOOKS_SAVED", 4)
    open_streams = Streams(cast("Access", None), asyncio.Event())
    for _ in range(5):
        await asyncio.wait_for(open_streams.look(NAMESPACE), 0.1)
    waiting = asyncio.create_task(open_streams.look(NAMESPACE))
    await asyncio.wait_for(open_streams.look("other"), 0.1)
    assert not waiting.done()
    waiting.cancel()


class TestPlaces:
    """How many streams there may be."""

    @pytest.fixture
    def places(self):
        return Streams(cast("Access", None), asyncio.Event())

    @staticmethod
    def refusal(places, caller, namespace):
        with pytest.raises(Problem) as refused, places.place(caller, namespace):
            pass
        assert refused.value.headers["Retry-After"]
        return refused.value.status

    def test_streams_of_one_caller_are_bounded_in_all_namespaces(self, places):
        with ExitStack() as held:
            for number in range(PER_CALLER):
                held.enter_context(places.place("eve", f"n-{number}"))
            assert self.refusal(places, "eve", "other") == 429
            held.enter_context(places.place("bob", "other"))

    def test_streams_of_one_namespace_are_bounded_for_all_callers(self, places):
        with ExitStack() as held:
            for number in range(PER_NAMESPACE):
                held.enter_context(places.place(f"user-{number}", "flooded"))
            assert self.refusal(places, "another", "flooded") == 429
            held.enter_context(places.place("bob", "other"))

    def test_when_all_are_taken_a_namespace_without_one_still_gets_one(self, places):
        with ExitStack() as held:
            for number in range(PER_PROCESS):
                held.enter_context(places.place(f"user-{number}", f"n-{number // PER_NAMESPACE}"))
            held.enter_context(places.place("bob", "quiet"))
            assert self.refusal(places, "bob", "quiet") == 503
            for number in range(PER_PROCESS - 1):
                held.enter_context(places.place(f"more-{number}", f"more-{number}"))
            assert self.refusal(places, "one", "too-many") == 503

    def test_who_follows_most_of_a_namespace_makes_room_for_who_follows_fewer(self, places):
        """On 9b98b50 the first two callers could hold all for ever."""
        left: list[object] = []
        with ExitStack() as held:
            for number in range(PER_NAMESPACE):
                account = f"system:serviceaccount:flooded:account-{number}"
                held.enter_context(places.place(account, "flooded")).leave = partial(left.append, number)
            for number in range(PER_NAMESPACE // 2):
                held.enter_context(places.place("bob", "flooded")).leave = partial(left.append, "bob")
                assert left[-1] == PER_NAMESPACE - 1 - number, "the newest goes first"
            assert self.refusal(places, "bob", "flooded") == 429, "they have as many each"
            assert self.refusal(places, "system:serviceaccount:flooded:another", "flooded") == 429
            held.enter_context(places.place("carol", "flooded"))
            assert len(places._namespaces["flooded"]) == PER_NAMESPACE
        assert not places._callers
        assert not places._namespaces

    def test_nothing_is_left_when_all_have_ended(self, places):
        with ExitStack() as held:
            for number in range(PER_CALLER):
                held.enter_context(places.place("eve", f"n-{number}"))
        assert not places._callers
        assert not places._namespaces
