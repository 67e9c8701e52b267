"""The Service API over HTTP, on a cluster in memory with faults."""

import asyncio
import copy
import json
import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import jsonschema_rs
import pytest

from serviceexecution.gateway.access import attempts
from serviceexecution.gateway.logs import reader
from serviceexecution.gateway.service_api.submission.sweep import SETTLED_PER_SWEEP, SubmissionSweeper
from serviceexecution.kube.errors import GoneError, KubernetesError
from serviceexecution.kube.kinds import CONFIG_MAPS, SECRETS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import LABEL_SUBMISSION, SUBMISSION_ADOPTED
from tests.unit.gateway.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_harness import JSON, Service, is_problem, service

__all__ = ["service"]


class TestSubmit:
    async def test_what_it_makes(self, service):
        answer = await service.post()
        assert answer.status_code == 201
        view = answer.json()
        name = view["id"]
        assert answer.headers["location"] == f"http://gateway{service.base}/{name}"
        assert view["status"] == "PENDING"
        assert view["tags"] == ["t"]
        assert view["serviceId"] == view["serviceDefinitionId"]
        execution = service.executions()[name]
        config_map, secret = service.cluster.of(CONFIG_MAPS)[name], service.cluster.of(SECRETS)[name]
        assert config_map["data"] == {"data": '{"values": [1.0, 12345678901234567890]}'}
        assert config_map["metadata"]["ownerReferences"][0]["uid"] == execution["metadata"]["uid"]
        assert secret["metadata"]["ownerReferences"][0]["uid"] == config_map["metadata"]["uid"]
        annotations = execution["metadata"]["annotations"]
        assert annotations["serviceexecution.dev/run-secret"] == name
        assert annotations["serviceexecution.dev/run-secret-uid"] == secret["metadata"]["uid"]
        assert execution["spec"]["secrets"]["apiToken"]["secretKeyRef"]["name"] == name
        assert "tops3cret" not in json.dumps([execution, config_map])
        writes = [call[1] for call in service.cluster.calls if call[0] == "create"]
        assert writes == ["configmaps", "secrets", "serviceexecutions"]
        assert (await service.get(f"/{name}")).json()["id"] == name

    @pytest.mark.parametrize("path", ["", "/", "//"])
    async def test_all_three_base_urls(self, service, path):
        assert (await service.post(path=path)).status_code == 201
        assert len((await service.get(path)).json()) == 1

    @pytest.mark.parametrize("body", [b"", b"{}"])
    async def test_an_empty_input_makes_no_config_map(self, service, body):
        await service.started(body=body)
        assert service.cluster.of(CONFIG_MAPS) == {}

    async def test_odd_names_travel_in_an_annotation(self, service):
        name = await service.started(body='{"größe": 1, "a b": 2}'.encode())
        config_map = service.cluster.of(CONFIG_MAPS)[name]
        names = json.loads(config_map["metadata"]["annotations"]["serviceexecution.dev/input-properties"])
        assert {names[key]: text for key, text in config_map["data"].items()} == {"größe": "1", "a b": "2"}

    @pytest.mark.parametrize(
        ("body", "headers", "status", "code"),
        [
            (b"[1]", JSON, 400, "InvalidInput"),
            (b'{"a": tops3cret}', JSON, 400, "InvalidInput"),
            (b"x=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "UnsupportedMediaType"),
            (b"\x1f\x8b", JSON | {"Content-Encoding": "gzip"}, 415, "UnsupportedCoding"),
            (b" " * 1_000_001, JSON, 413, "InputTooLarge"),
            (b"{}", JSON | {"Idempotency-Key": "a\x01"}, 400, "InvalidIdempotencyKey"),
            (b"{}", JSON | {"Idempotency-Key": "x" * 256}, 400, "InvalidIdempotencyKey"),
        ],
    )
    async def test_what_is_refused(self, service, body, headers, status, code):
        answer = await service.post(body, headers)
        assert is_problem(answer, status, code)
        assert "tops3cret" not in answer.text
        assert service.executions() == {}

    async def test_a_body_without_a_length_is_stopped_at_the_limit(self, service):
        async def chunks():
            for _ in range(200):
                yield b" " * 10_000

        answer = await service.http.post(service.base, content=chunks(), headers=JSON)
        assert is_problem(answer, 413)
        assert "1,000,000" in answer.json()["detail"]

    async def test_the_service_s_schema(self, service):
        service.cluster.define("strict", inputSchema={"type": "object", "required": ["data"]})
        answer = await service.http.post(f"/services/{NAMESPACE}/strict", content=b"{}", headers=JSON)
        assert is_problem(answer, 422, "InputInvalid")
        assert answer.json()["errors"][0]["path"] == "$"
        assert service.cluster.of(CONFIG_MAPS) == {}

    async def test_a_data_pool_that_the_service_does_not_allow(self, service):
        service.cluster.define("pools", dataPoolRules={"allowed": ["one"]})
        url = f"/services/{NAMESPACE}/pools"
        for pool, status in (("one", 201), ("two", 422)):
            body = json.dumps({"p": {"ref": "DATAPOOL", "id": pool, "grant": "a.b.c"}})
            assert (await service.http.post(url, content=body, headers=JSON)).status_code == status
        assert "a.b.c" not in json.dumps(list(service.cluster.objects.values()))

    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("plural", ["configmaps", "secrets", "serviceexecutions"])
    async def test_a_lost_answer_neither_loses_nor_doubles(self, service, plural, after):
        service.cluster.fail("create", plural, after=after)
        assert (await service.post()).status_code == 201
        assert len(service.executions()) == len(service.cluster.of(CONFIG_MAPS)) == 1

    @pytest.mark.parametrize("plural", ["configmaps", "secrets", "serviceexecutions"])
    async def test_an_api_server_that_is_away_is_503_and_the_key_finds_it_later(self, service, plural):
        for _ in range(3):
            service.cluster.fail("create", plural)
        headers = JSON | {"Idempotency-Key": "k"}
        answer = await service.post(headers=headers)
        assert is_problem(answer, 503, "KubernetesUnavailable")
        assert answer.headers["retry-after"]
        assert (await service.post(headers=headers)).status_code == 201
        assert len(service.executions()) == 1

    async def test_a_right_that_is_missing_is_not_the_clients_fault(self, service):
        """So says an API server, too, that has just started; with a right that comes in a moment it goes through."""
        words = (
            'configmaps is forbidden: User "system:serviceaccount:a:b" cannot create resource "configmaps"'
        )
        missing = KubernetesError(words, status=403)
        service.cluster.fail("create", "configmaps", missing)
        assert (await service.post(b'{"data": 1}')).status_code == 201
        for _ in range(3):
            service.cluster.fail("create", "serviceexecutions", missing)
        answer = await service.post(b'{"data": 1}')
        assert is_problem(answer, 503, "KubernetesUnavailable")
        assert "serviceaccount" not in answer.text
        assert len(service.executions()) == len(service.cluster.of(CONFIG_MAPS)) == 1

    async def test_a_refused_execution_leaves_nothing(self, service):
        refusal = KubernetesError("admission policy: no", status=422)
        service.cluster.fail("create", "serviceexecutions", refusal)
        answer = await service.post(b'{"data": 1}')
        assert is_problem(answer, 422, "Refused")
        assert "admission policy: no" in answer.json()["detail"]
        assert service.cluster.of(CONFIG_MAPS) == {}

    async def test_a_refused_execution_leaves_what_another_request_with_its_key_uses(self, service):
        headers = JSON | {"Idempotency-Key": "one"}
        create, refused = service.cluster.create, asyncio.Event()

        async def slow(kind, namespace, manifest):
            if kind == SERVICE_EXECUTIONS and not refused.is_set():
                refused.set()
                assert (await service.post(headers=headers)).status_code == 201
                raise KubernetesError("exceeded quota: x", status=403)
            return await create(kind, namespace, manifest)

        service.cluster.create = slow
        assert is_problem(await service.post(headers=headers), 429, "QuotaExceeded")
        assert set(service.cluster.of(CONFIG_MAPS)) == set(service.executions())

    async def test_a_request_that_is_refused_leaves_what_an_earlier_one_made(self, service):
        headers = JSON | {"Idempotency-Key": "one"}
        name = await service.started(headers=headers)
        # as if the earlier request were still about to create its execution
        del service.cluster.objects[SERVICE_EXECUTIONS.plural, NAMESPACE, name]
        service.cluster.fail("create", "serviceexecutions", KubernetesError("exceeded quota: x", status=403))
        assert is_problem(await service.post(headers=headers), 429, "QuotaExceeded")
        assert set(service.cluster.of(CONFIG_MAPS)) == {name}

    async def test_a_body_that_comes_drop_by_drop(self, tmp_path):
        service = Service(tmp_path, input_seconds=0.2, body_idle_seconds=0.1)

        async def drops():
            for _ in range(20):
                yield b" "
                await asyncio.sleep(0.03)

        assert is_problem(await service.post(drops()), 408, "BodyTimeout")

    async def test_a_full_quota_says_when_to_come_back(self, service):
        service.cluster.fail("create", "configmaps", KubernetesError("exceeded quota: x", status=403))
        answer = await service.post()
        assert is_problem(answer, 429, "QuotaExceeded")
        assert answer.headers["retry-after"]


class TestIdempotency:
    async def test_the_same_key_is_the_same_execution(self, service):
        headers = JSON | {"Idempotency-Key": "one"}
        first = await service.post(headers=headers)
        again = await service.post(headers=headers)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["id"] == again.json()["id"]
        assert first.headers["location"] == again.headers["location"]
        assert len(service.executions()) == 1

    async def test_another_body_is_a_conflict(self, service):
        headers = JSON | {"Idempotency-Key": "one"}
        await service.started(headers=headers)
        assert is_problem(await service.post(b"{}", headers), 409, "IdempotencyKeyReused")

    async def test_ten_at_once_make_one(self, service):
        headers = JSON | {"Idempotency-Key": "one"}
        answers = await asyncio.gather(*(service.post(headers=headers) for _ in range(10)))
        assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
        assert len(service.executions()) == 1

    async def test_what_a_killed_gateway_left_is_used(self, service):
        headers = JSON | {"Idempotency-Key": "one"}
        name = await service.started(headers=headers)
        del service.cluster.objects[SERVICE_EXECUTIONS.plural, NAMESPACE, name]
        assert (await service.post(headers=headers)).status_code == 201
        assert is_problem(await service.post(b"{}", headers), 409)

    async def test_keys_of_others_are_others(self, service):
        service.cluster.tokens["bob-token", None] = service.cluster.tokens["alice-token", None].__class__(
            "bob"
        )
        headers = JSON | {"Idempotency-Key": "one"}
        alice = await service.started(headers=headers)
        bob = await service.started(headers=headers | {"Authorization": "Bearer bob-token"})
        assert alice != bob


class TestSweep:
    async def test_unowned_inputs_are_adopted_or_deleted(self, service):
        name = await service.started()
        config_map = service.cluster.of(CONFIG_MAPS)[name]
        owners = config_map["metadata"].pop("ownerReferences")
        config_map["metadata"]["labels"][LABEL_SUBMISSION] = name
        sweeper = SubmissionSweeper(service.cluster)
        await sweeper.once(datetime.now(UTC))
        assert config_map["metadata"]["ownerReferences"] == owners
        assert config_map["metadata"]["labels"][LABEL_SUBMISSION] == SUBMISSION_ADOPTED
        config_map["metadata"].pop("ownerReferences")
        config_map["metadata"]["labels"][LABEL_SUBMISSION] = name
        await service.cluster.delete(SERVICE_EXECUTIONS, NAMESPACE, name)
        await sweeper.once(datetime.now(UTC) + timedelta(minutes=9))
        assert name in service.cluster.of(CONFIG_MAPS)
        await sweeper.once(datetime.now(UTC) + timedelta(minutes=11))
        assert service.cluster.of(CONFIG_MAPS) == {}

    async def test_what_was_adopted_is_not_met_again(self, service):
        await service.started()
        service.cluster.requests.clear()
        await SubmissionSweeper(service.cluster).once(datetime.now(UTC))
        assert service.cluster.calls == [("list", "configmaps")]
        assert service.cluster.listed_bytes == [len("[]")]

    async def test_what_was_adopted_before_the_label_said_so_is_met_once(self, service):
        name = await service.started()
        config_map = service.cluster.of(CONFIG_MAPS)[name]
        config_map["metadata"]["labels"][LABEL_SUBMISSION] = name
        await SubmissionSweeper(service.cluster).once(datetime.now(UTC) + timedelta(days=1))
        assert config_map["metadata"]["labels"][LABEL_SUBMISSION] == SUBMISSION_ADOPTED
        assert config_map["metadata"]["ownerReferences"], "it is its execution's still"

    async def test_inputs_themselves_are_not_read(self, service):
        name = await service.started(body=json.dumps({"data": "x" * 500_000}).encode())
        service.cluster.of(CONFIG_MAPS)[name]["metadata"]["labels"][LABEL_SUBMISSION] = name
        await SubmissionSweeper(service.cluster).once(datetime.now(UTC))
        assert max(service.cluster.listed_bytes) < 5_000

    async def test_one_namespace_s_leftovers_do_not_hold_up_those_of_others(self, service):
        old = {"labels": {LABEL_SUBMISSION: "x"}, "creationTimestamp": "2026-01-01T00:00:00Z"}
        for number in range(SETTLED_PER_SWEEP + 50):
            service.cluster.seed(CONFIG_MAPS, "flood", f"x{number}", metadata=copy.deepcopy(old))
        service.cluster.seed(CONFIG_MAPS, "quiet", "x", metadata=copy.deepcopy(old))
        await SubmissionSweeper(service.cluster).once(datetime.now(UTC))
        assert service.cluster.of(CONFIG_MAPS, "quiet") == {}
        assert len(service.cluster.of(CONFIG_MAPS, "flood")) == 50


class TestRead:
    async def test_an_execution_in_each_phase(self, service):
        name = await service.started()
        for phase, status in (("Running", "RUNNING"), ("Cancelled", "CANCELLED"), ("Failed", "FAILED")):
            service.finish(name, phase, startTime="2026-11-24T12:00:00Z")
            view = (await service.get(f"/{name}")).json()
            assert view["status"] == status
            assert view["startedAt"] == "2026-11-24 12:00:00"
            assert "endedAt" not in view

    async def test_no_result_before_the_end(self, service):
        name = await service.started()
        assert is_problem(await service.get(f"/{name}/result"), 404, "NotFinished")
        assert is_problem(await service.get(f"/{name}/result/output.json"), 404, "NotFinished")

    async def test_members_stay_as_they_are_and_ours_win(self, service):
        ref = service.finish(await service.started(), "Succeeded")
        text = b'{"one": 1.0, "big": 12345678901234567890, "_links": 5, "e": "\\u00e9"}'
        await service.keep(ref, {"output.json": text, "plots/a b#ü.png": b"x", "self": b"y"})
        answer = await service.get(f"/{ref.name}/result")
        assert b'"one":1.0,"big":12345678901234567890,' in answer.content
        body = answer.json()
        assert body["e"] == "é"
        assert body["_embedded"]["status"]["id"] == ref.name
        url = f"http://gateway{service.base}/{ref.name}"
        assert body["_links"]["self"] == {"href": f"{url}/result"}
        assert body["_links"]["status"] == {"href": url}
        link = body["_links"]["plots/a b#ü.png"]["href"]
        assert link == f"{url}/result/plots/a%20b%23%C3%BC.png"
        assert (await service.http.get(link)).content == b"x"
        assert (await service.get(f"/{ref.name}/result/self")).content == b"y"

    @pytest.mark.parametrize("text", [b"[1]", b'"x"', b'{"a": NaN}', b"\xff", b"", b"{"])
    async def test_what_is_no_object_is_a_file_alone(self, service, text):
        ref = service.finish(await service.started(), "Succeeded")
        await service.keep(ref, {"output.json": text})
        body = (await service.get(f"/{ref.name}/result")).json()
        assert body.keys() == {"_embedded", "_links"}
        assert (await service.get(f"/{ref.name}/result/output.json")).content == text

    async def test_a_printed_result_stands_for_the_file(self, service):
        ref = service.finish(await service.started(), "Succeeded")
        await service.keep(ref, {}, printed=b'{"sum": 42}')
        body = (await service.get(f"/{ref.name}/result")).json()
        assert body["sum"] == 42
        assert (await service.http.get(body["_links"]["output.json"]["href"])).content == b'{"sum": 42}'

    async def test_a_failure_has_a_problem(self, service):
        ref = service.finish(await service.started(), "Failed", reason="OutOfMemory", message="Too much.")
        body = (await service.get(f"/{ref.name}/result")).json()
        assert (body["title"], body["status"], body["detail"]) == ("OutOfMemory", 500, "Too much.")
        await service.keep(ref, {"output.json": b'{"title": "Own", "status": 418}'})
        body = (await service.get(f"/{ref.name}/result")).json()
        assert (body["title"], body["status"]) == ("Own", 418)

    async def test_a_result_whose_time_is_over(self, service):
        ref = service.finish(await service.started(), "Succeeded")
        await service.store.write_expiry(NAMESPACE, ref.uid, datetime.now(UTC))
        for path in ("result", "result/output.json", "log"):
            assert is_problem(await service.get(f"/{ref.name}/{path}"), 410, "ResultExpired")
        assert (await service.get(f"/{ref.name}")).status_code == 200

    async def test_an_execution_of_kubectl_is_found_by_its_uid(self, service):
        body = service.cluster.seed(
            SERVICE_EXECUTIONS, NAMESPACE, "mine", spec={"serviceRef": {"name": SERVICE}}
        )
        uid = body["metadata"]["uid"]
        assert [one["id"] for one in (await service.get()).json()] == [uid]
        assert (await service.get(f"/{uid}")).json()["id"] == uid
        assert is_problem(await service.get("/mine"), 404)

    @pytest.mark.parametrize("slashes", ["/", "//", "///"])
    async def test_slashes_at_the_end_of_a_base_url_change_nothing(self, service, slashes):
        name = await service.started(path=slashes)
        ref = service.finish(name, "Succeeded")
        await service.keep(ref, {"a/b.txt": b"x"})
        for path in (
            "",
            name,
            f"{name}/result",
            f"{name}/result/a/b.txt",
            f"{name}/log",
            "openapi.json",
            "docs",
        ):
            assert (await service.get(slashes + path)).status_code == 200, path
        assert is_problem(await service.get(f"{slashes}{name}/result/a//b.txt"), 404, "FileNotFound")

    async def test_of_another_service_is_not_found(self, service):
        service.cluster.define("other")
        name = await service.started()
        assert is_problem(
            await service.http.get(f"/services/{NAMESPACE}/other/{name}"), 404, "ExecutionNotFound"
        )

    @pytest.mark.parametrize("path", ["/..", "/%2e%2e/x", "/a%00b", "/" + "x" * 300, "/X_Y", "/a/b/c/d"])
    async def test_odd_paths_are_not_found(self, service, path):
        assert is_problem(await service.get(path), 404)

    async def test_wrong_methods(self, service):
        name = await service.started()
        for method, path, allowed in (
            ("PUT", "", "GET, HEAD, POST"),
            ("DELETE", "//", "GET, HEAD, POST"),
            ("DELETE", f"/{name}", "GET, HEAD"),
            ("POST", f"/{name}/result", "GET, HEAD"),
            ("POST", f"/{name}/result/a.txt", "GET, HEAD"),
            ("GET", f"/{name}/cancel", "PUT"),
        ):
            answer = await service.http.request(method, service.base + path)
            assert is_problem(answer, 405)
            assert answer.headers["allow"] == allowed
            assert allowed in answer.json()["detail"]

    async def test_cached_status_goes_on_while_the_cluster_is_away(self, service):
        name = await service.started()
        service.cluster.down = True
        assert (await service.get(f"/{name}")).status_code == 200
        assert is_problem(await service.get("/00000000-0000-0000-0000-000000000000"), 503)


class TestCancel:
    async def test_cancel_once(self, service):
        name = await service.started()
        for _ in range(2):
            answer = await service.http.put(f"{service.base}/{name}/cancel")
            assert answer.status_code == 200
            assert answer.json()["id"] == name
        assert service.executions()[name]["spec"]["cancel"] is True
        assert service.cluster.calls.count(("patch", "serviceexecutions")) == 1

    async def test_one_that_has_ended_stays_as_it_is(self, service):
        ref = service.finish(await service.started(), "Succeeded")
        answer = await service.http.put(f"{service.base}/{ref.name}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "SUCCEEDED")
        assert "cancel" not in service.executions()[ref.name]["spec"]


class TestLog:
    LINES = b"2026-11-24T12:00:00.1Z WARNING:root:a\n2026-11-24T12:00:01Z b\n"

    async def test_lines_so_far(self, service):
        name = await service.started()
        assert (await service.get(f"/{name}/log")).json() == []
        ref = service.finish(name, "Running")
        await service.store.write_log_chunk(ref, 1, self.LINES)
        await service.store.write_log_chunk(ref, 2, b"2026-11-24T12:00:02Z {}\n")
        assert (await service.get(f"/{name}/log")).json() == [
            {
                "message": "WARNING:root:a",
                "severity": "WARNING",
                "timestamp": "2026-11-24T12:00:00.100000000Z",
            },
            {"message": "b", "severity": "INFO", "timestamp": "2026-11-24T12:00:01.000000000Z"},
            {"message": "{}", "severity": "INFO", "timestamp": "2026-11-24T12:00:02.000000000Z"},
        ]

    async def test_followed_and_taken_up_again(self, service):
        ref = service.finish(await service.started(), "Succeeded")
        await service.store.write_log_chunk(ref, 1, self.LINES)
        await service.store.write_log_chunk(ref, 2, b"2026-11-24T12:00:02Z c\n")
        text = (await service.get(f"/{ref.name}/log?follow")).text
        ids = [line[4:] for line in text.splitlines() if line.startswith("id: ")]
        assert ids == ["1-1", "1-2", "2-1"]
        assert text.endswith("event: end\ndata: {}\n\n")
        for number, identifier in enumerate(ids):
            headers = {"Last-Event-ID": identifier}
            text = (await service.get(f"/{ref.name}/log?follow=true", headers=headers)).text
            assert [line[4:] for line in text.splitlines() if line.startswith("id: ")] == ids[number + 1 :]

    async def test_one_that_is_unknown_here_alone_or_cannot_be_asked_for_ends_no_stream(
        self, service, monkeypatch
    ):
        monkeypatch.setattr(reader, "POLL_SECONDS", 0.01)
        ref = service.finish(await service.started(), "Running")
        looks: list[Any] = []
        monkeypatch.setattr(service.store, "list_log_chunks", _counting(service.store.list_log_chunks, looks))
        stream = asyncio.create_task(service.get(f"/{ref.name}/log?follow"))

        async def looked():
            before = len(looks)
            await _until(lambda: stream.done() or len(looks) >= before + 3)
            assert not stream.done()

        await looked()
        service.state._executions.drop(NAMESPACE, ref.name, ref.uid)
        await looked()
        service.state._executions.drop(NAMESPACE, ref.name, ref.uid)
        service.cluster.down = True
        await looked()
        service.cluster.down = False
        await service.store.write_log_chunk(ref, 1, self.LINES)
        service.finish(ref.name, "Succeeded")
        text = (await stream).text
        assert text.count("id: ") == 2
        assert text.endswith("event: end\ndata: {}\n\n")

    async def test_interim_results(self, service):
        ref = service.finish(await service.started(), "Running")
        assert (await service.get(f"/{ref.name}/interim-results")).json() == []
        assert (await service.get(f"/{ref.name}/interim-results?last=true")).json() == {}
        chunk = b"".join(b'2026-11-24T12:00:00Z PlanQK:Job:InterimResult: {"n": %d}\n' % n for n in (1, 2))
        await service.store.write_log_chunk(ref, 1, chunk)
        assert (await service.get(f"/{ref.name}/interim-results")).json() == [{"n": 1}, {"n": 2}]
        assert (await service.get(f"/{ref.name}/interim-results?last=true")).json() == {"n": 2}


class TestAccess:
    async def test_without_a_token(self, service):
        for headers in (
            {"Authorization": ""},
            {"Authorization": "Bearer nobody"},
            {"Authorization": "Basic x"},
        ):
            answer = await service.get(headers=headers)
            assert is_problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")

    async def test_without_the_right(self, service):
        service.cluster.allowed = lambda _: False
        assert is_problem(await service.get(), 403, "Forbidden")
        assert is_problem(await service.http.get("/services/other/nothing"), 403)

    async def test_each_call_asks_for_its_right(self, service):
        name = await service.started()
        service.finish(name, "Succeeded")
        service.cluster.questions.clear()
        for path in ("", f"/{name}", f"/{name}/result", f"/{name}/log"):
            await service.get(path)
        await service.http.put(f"{service.base}/{name}/cancel")
        asked = {(one["verb"], one["subresource"]) for one in service.cluster.questions}
        assert asked == {("list", ""), ("get", ""), ("get", "results"), ("get", "log"), ("update", "cancel")}

    async def test_a_right_for_one_object_alone_counts(self, service):
        name = await service.started()
        service.cluster.allowed = lambda question: question["name"] == name
        assert (await service.get(f"/{name}")).status_code == 200
        assert is_problem(await service.get(), 403)

    @pytest.fixture
    def pauses(self, monkeypatch):
        found = []

        async def pause(seconds):
            found.append(seconds)

        monkeypatch.setattr(attempts, "pause", pause)
        return found

    async def test_guessing_is_slowed_down_and_the_good_go_on(self, service, pauses):
        for number in range(25):
            guess = await service.get(headers={"Authorization": f"Bearer guess-{number}"})
            assert is_problem(guess, 401)
        assert pauses == [attempts.SLOW_SECONDS] * 5
        assert (await service.get()).status_code == 200
        assert len(pauses) == 5

    async def test_who_guesses_behind_a_proxy_slows_down_no_other_behind_it(self, tmp_path, pauses):
        service = Service(tmp_path, trusted_proxies=(ip_network("127.0.0.0/8"),))
        for number in range(25):
            headers = {"Authorization": f"Bearer guess-{number}", "X-Forwarded-For": "203.0.113.5"}
            await service.get(headers=headers)
        assert len(pauses) == 5
        headers = {"Authorization": "Bearer mistaken", "X-Forwarded-For": "203.0.113.6"}
        assert is_problem(await service.get(headers=headers), 401)
        assert len(pauses) == 5

    async def test_many_ask_once(self, service):
        await asyncio.gather(*(service.get() for _ in range(50)))
        assert service.cluster.reviews == 1
        assert len(service.cluster.questions) == 1

    async def test_mode_none_takes_any_token_and_none(self, tmp_path):
        service = Service(tmp_path, auth_mode="none")
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer x" * 3}):
            assert (await service.get(headers=headers)).status_code == 200


class TestBrowsers:
    async def test_pages_of_other_origins_may_not_call_unless_they_are_named(self, tmp_path):
        asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
        closed = await Service(tmp_path).http.options(f"/services/{NAMESPACE}/{SERVICE}", headers=asked)
        assert "access-control-allow-origin" not in closed.headers
        service = Service(tmp_path, cors_origins=("https://app.example.com",))
        answer = await service.http.options(service.base, headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        answer = await service.post(headers=JSON | {"Origin": "https://app.example.com"})
        assert "Location" in answer.headers["access-control-expose-headers"]
        answer = await service.get(headers={"Origin": "https://evil.example.com"})
        assert "access-control-allow-origin" not in answer.headers

    async def test_links_have_the_public_address(self, tmp_path):
        service = Service(tmp_path, public_url="https://api.example.com/sx")
        answer = await service.post()
        assert answer.headers["location"].startswith("https://api.example.com/sx/services/")

    @pytest.mark.parametrize("host", ["", "evil.example.com/x?", "a b"])
    async def test_a_host_that_is_none_goes_into_no_link(self, service, host):
        assert (await service.post(headers=JSON | {"Host": host})).status_code == 400


class TestText:
    async def test_it_is_openapi_with_the_service_s_own_schema(self, service):
        service.cluster.define(
            "own",
            displayName="Own",
            inputSchema={
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/a"}},
                "$defs": {"a": {"type": "integer"}},
            },
            outputSchema={"type": "object"},
        )
        text = (await service.http.get(f"/services/{NAMESPACE}/own/openapi.json")).json()
        assert text["openapi"] == "3.1.0"
        assert text["servers"] == [{"url": f"http://gateway/services/{NAMESPACE}/own"}]
        assert text["info"]["title"] == "Own"
        schema = {"$ref": "#/components/schemas/Input", "components": text["components"]}
        assert jsonschema_rs.is_valid(schema, {"a": 1, "$secrets": {"x": "y"}, "$tags": []})
        assert not jsonschema_rs.is_valid(schema, {"a": "x"})

    @pytest.mark.parametrize(
        "closing", [{"additionalProperties": False}, {"unevaluatedProperties": {"type": "integer"}}]
    )
    async def test_a_schema_that_takes_nothing_else_is_shown_too(self, service, closing):
        own = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], **closing}
        service.cluster.define("own", inputSchema=own)
        text = (await service.http.get(f"/services/{NAMESPACE}/own/openapi.json")).json()
        schema = {"$ref": "#/components/schemas/Input", "components": text["components"]}
        assert jsonschema_rs.is_valid(schema, {"a": 1, "$secrets": {"x": "y"}, "$tags": ["t"]})
        assert not jsonschema_rs.is_valid(schema, {"a": 1, "$secrets": {"x": 1}})
        assert not jsonschema_rs.is_valid(schema, {"a": 1, "b": "x"})
        assert not jsonschema_rs.is_valid(schema, {})

    async def test_the_page_needs_no_token_and_runs_nothing_foreign(self, service):
        for path in ("/docs", f"{service.base}/docs"):
            answer = await service.http.get(path, headers={"Authorization": ""})
            assert answer.status_code == 200
            policy = answer.headers["content-security-policy"]
            assert "unsafe-inline" not in policy
            assert "connect-src 'self'" in policy  # a secret is typed into it
            assert not re.search(r"<script src|<link|\son[a-z]+=|\sstyle=|innerHTML", answer.text)


class TestState:
    async def test_it_follows_changes_and_lists_again(self, service):
        task = asyncio.create_task(service.state.run())
        try:
            await _until(lambda: service.state.ready and service.cluster.watches == 2)
            name = await service.started()
            service.cluster.requests.clear()
            service.cluster.change(SERVICE_EXECUTIONS, NAMESPACE, name, {"status": {"phase": "Running"}})
            await _until(lambda: service.state.known_execution(NAMESPACE, SERVICE, name).status.phase)
            assert (await service.get(f"/{name}")).json()["status"] == "RUNNING"
            assert ("get", "serviceexecutions") not in service.cluster.calls
            service.cluster.objects.pop(("serviceexecutions", NAMESPACE, name))  # unseen
            service.cluster.version += 1
            service.cluster.changes.break_off(GoneError("too old", status=410))
            await _until(lambda: service.state.known_execution(NAMESPACE, SERVICE, name) is None)
        finally:
            task.cancel()


def _counting(call, calls):
    async def counted(*arguments, **more):
        calls.append(arguments)
        return await call(*arguments, **more)

    return counted


async def _until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a watch tells nobody
            await asyncio.sleep(0.01)
