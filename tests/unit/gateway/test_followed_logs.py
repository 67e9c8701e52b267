"""Logs of builds and of any execution under /api/v1: as text, and followed while they grow."""

import asyncio
import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from serviceexecution.gateway.builds.log_routes import LAST_LINES, progress_of
from serviceexecution.gateway.logs import reader
from serviceexecution.gateway.logs.attempts import AttemptProgress, Place
from serviceexecution.gateway.logs.reader import Position
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.resources.services.definition_status import Revision
from serviceexecution.store.records import LogRecord
from tests.unit.gateway.builds.build_harness import Build
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import ALICE, is_problem

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def line(text):
    return f"2026-11-26T12:00:00.5Z {text}\n".encode()


class Logs(Build):
    """Shorthands for the log of revision r1."""

    PLACE = f"/api/v1/namespaces/{NAMESPACE}/services/{SERVICE}/builds/r1/log"

    def __init__(self, directory, **settings):
        super().__init__(directory, **settings)
        self.looks = 0
        log_of = self.store.logs.of

        def counted(*arguments):
            chunks = log_of(*arguments)
            sizes = chunks.sizes

            async def look():
                self.looks += 1
                return await sizes()

            cast("Any", chunks).sizes = look
            return chunks

        cast("Any", self.store.logs).of = counted

    async def looked(self, stream, times=3):
        """Wait until whoever follows a log has looked again so often; the stream is still open then."""
        before = self.looks
        async with asyncio.timeout(30):
            while self.looks < before + times:
                assert not stream.done()
                await asyncio.sleep(0.001)

    async def get(self, query="", /, headers=None, place=PLACE, **more):
        return await self.http.get(place + query, headers={**ALICE, **(headers or {})}, **more)

    async def write(self, *texts, chunk=1, attempt=1, ref=None):
        data = b"".join(line(text) for text in texts)
        await self.store.logs.of(ref or self.ref, attempt).write(chunk, data)

    async def end(self, attempt=1, ref=None):
        record = LogRecord(attempt=attempt, pod_uid="p", bytes=0, lines=0, committed_at=NOW)
        await self.store.logs.commit(ref or self.ref, record)


@pytest.fixture
async def logs(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "POLL_SECONDS", 0.01)
    found = Logs(tmp_path)
    yield found
    found.draining.set()
    await found.schemas.close()


def messages(text):
    """What the data of a stream's events says, and the ids."""
    found, ids = [], []
    for event in text.split("\n\n"):
        fields = dict(part.split(": ", 1) for part in event.splitlines() if not part.startswith(":"))
        if "id" in fields:
            ids.append(fields["id"])
            found.append(json.loads(fields["data"])["message"])
    return found, ids


class TestText:
    async def test_while_it_runs_and_after(self, logs):
        assert (await logs.get()).content == b""
        await logs.write("one", "two words")
        answer = await logs.get()
        assert answer.content == b"one\ntwo words\n"
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await logs.get("?timestamps")).content.startswith(line("one"))
        await logs.end()
        assert (await logs.get()).content == b"one\ntwo words\n"

    async def test_all_attempts_one_after_the_other(self, logs):
        await logs.write("first")
        await logs.write("second", attempt=2)
        assert (await logs.get()).content == b"first\n"
        logs.say(logs.revision(attempts=2))
        assert (await logs.get()).content == b"first\nsecond\n"

    async def test_the_log_of_an_older_revision_is_shown(self, logs):
        await logs.write("kept")
        logs.say(logs.revision("r2"), logs.revision(phase="Succeeded"))
        assert (await logs.get()).content == b"kept\n"

    async def test_a_revision_that_the_watch_has_not_told_of(self, logs):
        body = logs.cluster.objects[SERVICE_DEFINITIONS.plural, NAMESPACE, SERVICE]
        body["status"] = {"revisions": [logs.revision("r2"), logs.revision()], "lastRevision": 2}
        assert (await logs.get(place=logs.PLACE.replace("/r1/", "/r2/"))).status_code == 200

    @pytest.mark.parametrize("revision", ["r2", "r", "x", "..", "r1%20", "R1"])
    async def test_a_revision_that_there_is_not(self, logs, revision):
        answer = await logs.get(place=logs.PLACE.replace("/r1/", f"/{revision}/"))
        assert answer.status_code == 404

    @pytest.mark.parametrize(("old", "new"), [(SERVICE, "other"), (NAMESPACE, "other"), (SERVICE, "A%2Fb")])
    async def test_a_service_that_there_is_not(self, logs, old, new):
        assert (await logs.get(place=logs.PLACE.replace(f"/{old}/", f"/{new}/"))).status_code == 404

    async def test_who_may_read_it(self, logs):
        asked = []

        def allowed(question):
            asked.append(question)
            return False

        logs.cluster.allowed = allowed
        answer = await logs.get()
        assert is_problem(answer, 403, "Forbidden")
        assert "servicedefinitions/log" in answer.json()["detail"]
        assert [question["name"] for question in asked] == ["", SERVICE]
        assert {(one["verb"], one["resource"], one["subresource"]) for one in asked} == {
            ("get", "servicedefinitions", "log")
        }
        assert is_problem(await logs.http.get(logs.PLACE), 401, "Unauthorized")


class TestFollowed:
    async def test_a_build_s_log_is_followed_to_its_end(self, logs):
        await logs.write("one")
        stream = asyncio.create_task(logs.get("?follow=true"))
        await logs.looked(stream)
        await logs.write("one", "two")
        await logs.write("three", chunk=2)
        await logs.end()
        logs.say(logs.revision(phase="Succeeded"))
        answer = await stream
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert messages(answer.text) == (["one", "two", "three"], ["1.1-1", "1.1-2", "1.2-1"])
        assert answer.text.endswith("event: end\ndata: {}\n\n")

    async def test_through_a_further_attempt(self, logs):
        await logs.write("first")
        await logs.end()
        stream = asyncio.create_task(logs.get(headers={"Accept": "text/event-stream"}))
        await logs.looked(stream)  # nobody knows yet whether there will be another
        logs.say(logs.revision(attempts=2))
        await logs.write("second", attempt=2)
        await logs.looked(stream)
        await logs.end(attempt=2)
        logs.say(logs.revision(phase="Failed", attempts=2))
        assert messages((await stream).text) == (["first", "second"], ["1.1-1", "2.1-1"])

    @pytest.mark.parametrize(
        ("seen", "left"),
        [
            ("", ["a", "b", "c", "d"]),
            ("1.1-1", ["b", "c", "d"]),
            ("1.1-2", ["c", "d"]),
            ("2.1-1", ["d"]),
            ("2.1-2", []),
            ("3.1-1", ["a", "b", "c", "d"]),
            ("1-1", ["a", "b", "c", "d"]),
            ("\u00b2.1-1", ["a", "b", "c", "d"]),
            ("nonsense", ["a", "b", "c", "d"]),
        ],
    )
    async def test_a_followed_log_goes_on_where_it_was_cut(self, logs, seen, left):
        await logs.write("a", "b")
        await logs.write("c", "d", attempt=2)
        await logs.end(attempt=2)
        logs.say(logs.revision(phase="Succeeded", attempts=2))
        headers = {"Last-Event-ID": seen.encode()}
        assert messages((await logs.get("?follow", headers)).text)[0] == left

    async def test_the_log_of_a_build_that_never_ran_ends(self, logs):
        logs.say(logs.revision(phase="Superseded", attempts=0))
        text = (await logs.get("?follow")).text
        assert messages(text) == ([], [])
        assert text.endswith("event: end\ndata: {}\n\n")

    async def test_a_service_that_is_deleted_meanwhile(self, logs):
        stream = asyncio.create_task(logs.get("?follow"))
        await logs.looked(stream)
        del logs.cluster.objects[SERVICE_DEFINITIONS.plural, NAMESPACE, SERVICE]
        logs.state._definitions.drop(NAMESPACE, SERVICE, logs.definition["metadata"]["uid"])
        assert (await stream).text.endswith("event: end\ndata: {}\n\n")

    async def test_a_revision_that_is_unknown_here_alone_ends_no_stream(self, logs):
        stream = asyncio.create_task(logs.get("?follow"))
        await logs.looked(stream)
        logs.state._definitions.drop(NAMESPACE, SERVICE, logs.definition["metadata"]["uid"])
        body = copy.deepcopy(logs.cluster.objects[SERVICE_DEFINITIONS.plural, NAMESPACE, SERVICE])
        body["status"] = {"revisions": []}  # as a replica has it that the watch has told less
        logs.state._definitions.put(body)
        await logs.looked(stream)
        logs.say(logs.revision(phase="Succeeded"))
        assert (await stream).text.endswith("event: end\ndata: {}\n\n")

    async def test_an_api_server_that_is_away_ends_no_stream(self, logs):
        stream = asyncio.create_task(logs.get("?follow"))
        await logs.looked(stream)
        logs.state._definitions.drop(NAMESPACE, SERVICE, logs.definition["metadata"]["uid"])
        logs.cluster.down = True
        await logs.looked(stream)
        logs.cluster.down = False
        logs.say(logs.revision(phase="Succeeded"))
        assert (await stream).text.endswith("event: end\ndata: {}\n\n")

    async def test_a_gateway_that_ends_says_no_end(self, logs):
        await logs.write("one")
        stream = asyncio.create_task(logs.get("?follow"))
        await logs.looked(stream)
        logs.draining.set()
        text = (await stream).text
        assert messages(text)[0] == ["one"]
        assert "event: end" not in text

    async def test_silence_is_broken_by_comments(self, logs):
        stream = asyncio.create_task(logs.get("?follow"))
        await logs.looked(stream, 12)
        logs.say(logs.revision(phase="Failed"))
        assert ": still there\n\n" in (await stream).text


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"phase": "Pending", "attempts": 0}, AttemptProgress(1, over=False)),
        ({"phase": "Building", "attempts": 3}, AttemptProgress(3, over=False)),
        ({"phase": "Succeeded"}, AttemptProgress(1, over=True)),
        # stopped: the end of its log is still to come, but nobody waits for ever
        ({"phase": "Cancelled", "build_time": NOW, "completion_time": NOW}, AttemptProgress(1, over=False)),
        (
            {"phase": "Cancelled", "build_time": NOW, "completion_time": NOW - 2 * LAST_LINES},
            AttemptProgress(1, over=True),
        ),
        (
            {"phase": "Cancelled", "build_time": NOW, "completion_time": NOW, "log": {}},
            AttemptProgress(1, over=True),
        ),
        ({"phase": "Superseded", "completion_time": NOW}, AttemptProgress(1, over=True)),
    ],
)
def test_how_far_a_build_has_come(members, expected):
    revision = Revision.model_validate({"name": "r1", "key": "k", "attempts": 1, **members})
    assert progress_of(revision, NOW + timedelta(seconds=5)) == expected


def test_places_are_read_as_they_are_written():
    for place in (Place(), Place(2, Position(3, 4)), Place(12, Position(1, 0))):
        assert Place.parse(str(place)) == place


class TestAnyExecution:
    """``/api/v1/…/executions/{name}/log?follow``, also of executions of no service."""

    PLACE = f"/api/v1/namespaces/{NAMESPACE}/executions/run/log"

    @pytest.fixture
    async def run(self, logs, monkeypatch):
        monkeypatch.setattr("serviceexecution.gateway.results.routes._ASK_SECONDS", 0)
        body = logs.cluster.seed(
            SERVICE_EXECUTIONS, NAMESPACE, "run", status={"phase": "Running", "attempts": 1}
        )
        logs.run = body
        logs.run_ref = ExecutionReference(NAMESPACE, "run", body["metadata"]["uid"])
        return logs

    async def test_an_execution_s_log_is_followed_to_its_end(self, run):
        await run.write("one", ref=run.run_ref)
        stream = asyncio.create_task(run.get("?follow=true", place=self.PLACE))
        await run.looked(stream)
        await run.write("one", "two", ref=run.run_ref)
        await run.end(ref=run.run_ref)
        answer = await stream
        assert messages(answer.text) == (["one", "two"], ["1-1", "1-2"])
        assert answer.text.endswith("event: end\ndata: {}\n\n")
        answer = await run.get("?follow", {"Last-Event-ID": "1-1"}, place=self.PLACE)
        assert messages(answer.text)[0] == ["two"]
        assert (await run.get(place=self.PLACE)).content == b"one\ntwo\n"

    @pytest.mark.parametrize("end", ["failed", "deleted", "replaced"])
    async def test_the_log_of_an_execution_that_never_ran_ends(self, run, end):
        stream = asyncio.create_task(run.get("?follow", place=self.PLACE))
        await run.looked(stream)
        if end == "failed":
            run.run["status"]["phase"] = "Failed"
        elif end == "deleted":
            del run.cluster.objects[SERVICE_EXECUTIONS.plural, NAMESPACE, "run"]
        else:
            run.run["metadata"]["uid"] = "another"
        assert (await stream).text.endswith("event: end\ndata: {}\n\n")

    async def test_the_api_server_is_asked_now_and_then(self, run, monkeypatch):
        monkeypatch.setattr("serviceexecution.gateway.results.routes._ASK_SECONDS", 60)
        stream = asyncio.create_task(run.get("?follow", place=self.PLACE))
        await run.looked(stream)
        assert (
            run.cluster.calls.count(("get", SERVICE_EXECUTIONS.plural)) == 2
        )  # for the request, and once after
        await run.end(ref=run.run_ref)
        await stream

    async def test_an_api_server_that_is_away_ends_no_stream(self, run):
        stream = asyncio.create_task(run.get("?follow", place=self.PLACE))
        await run.looked(stream)
        run.cluster.fail("get", SERVICE_EXECUTIONS.plural, KubernetesError("down", status=503))
        await run.looked(stream)
        assert run.cluster.faults == []
        await run.end(ref=run.run_ref)
        assert (await stream).text.endswith("event: end\ndata: {}\n\n")
