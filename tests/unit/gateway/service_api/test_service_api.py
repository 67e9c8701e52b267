"""The Service API over HTTP, on a cluster in memory with faults."""

import asyncio
import copy
import re
from datetime import UTC, datetime

import jsonschema_rs
import pytest

from serviceexecution.kube.errors import GoneError, HistoryError
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import _until, is_problem, service

__all__ = ["service"]


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
        await service.store.notes.write_expiry(NAMESPACE, ref.uid, datetime.now(UTC))
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

    async def test_an_execution_of_another_service_is_not_found(self, service):
        service.cluster.define("other")
        name = await service.started()
        assert is_problem(
            await service.http.get(f"/services/{NAMESPACE}/other/{name}"), 404, "ExecutionNotFound"
        )

    @pytest.mark.parametrize("path", ["/..", "/%2e%2e/x", "/a%00b", "/" + "x" * 300, "/X_Y", "/a/b/c/d"])
    async def test_odd_paths_are_not_found(self, service, path):
        assert is_problem(await service.get(path), 404)

    async def test_wrong_methods_say_which_are_allowed(self, service):
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
    async def test_cancelling_twice_writes_once(self, service):
        name = await service.started()
        for _ in range(2):
            answer = await service.http.put(f"{service.base}/{name}/cancel")
            assert answer.status_code == 200
            assert answer.json()["id"] == name
        assert service.executions()[name]["spec"]["cancel"] is True
        assert service.cluster.calls.count(("patch", "serviceexecutions")) == 1

    async def test_cancelling_what_has_ended_changes_nothing(self, service):
        ref = service.finish(await service.started(), "Succeeded")
        answer = await service.http.put(f"{service.base}/{ref.name}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "SUCCEEDED")
        assert "cancel" not in service.executions()[ref.name]["spec"]


class TestText:
    async def test_a_service_s_text_is_openapi_with_its_own_schema(self, service):
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
    async def test_the_gateway_s_state_follows_changes_and_lists_again(self, service):
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

    async def test_a_gateway_ends_when_etcd_was_restored_from_an_older_snapshot(self, service):
        """It would take what is stored again for older than what it knows, and say what is no more."""
        older, version = copy.deepcopy(service.cluster.objects), service.cluster.version
        task = asyncio.create_task(service.state.run())
        try:
            await _until(lambda: service.state.ready and service.cluster.watches == 2)
            name = await service.started()
            await _until(lambda: service.state.known_execution(NAMESPACE, SERVICE, name))
            service.cluster.objects, service.cluster.version = older, version
            service.cluster.changes.break_off(GoneError("too old", status=410))
            with pytest.raises(HistoryError, match="serviceexecutions were at resource version"):
                await asyncio.wait_for(task, timeout=10)
        finally:
            task.cancel()
