"""Submissions of the Service API: what they make, also when requests are lost, and what is swept up."""

import asyncio
import copy
import json
from datetime import UTC, datetime, timedelta

import pytest

from serviceexecution.gateway.service_api.submission.sweep import SETTLED_PER_SWEEP, SubmissionSweeper
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import CONFIG_MAPS, SECRETS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import LABEL_SUBMISSION, SUBMISSION_ADOPTED
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import JSON, Service, is_problem, service

__all__ = ["service"]

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class TestSubmit:
    async def test_a_submission_makes_a_config_map_a_secret_and_an_execution(self, service):
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
        answers = {one.resource: one.metadata_only for one in service.cluster.requests}
        assert (answers["configmaps"], answers["secrets"], answers["serviceexecutions"]) == (
            True,
            True,
            False,
        )
        assert (await service.get(f"/{name}")).json()["id"] == name

    async def test_the_caller_s_trace_is_kept(self, service):
        name = await service.started(headers={**JSON, "traceparent": TRACE})
        assert (
            service.executions()[name]["metadata"]["annotations"]["serviceexecution.dev/traceparent"] == TRACE
        )

    @pytest.mark.parametrize("header", ["", "00-1", f"{TRACE}-more", "x" * 8000])
    async def test_a_trace_that_is_none_is_ignored(self, service, header):
        name = await service.started(headers={**JSON, "traceparent": header})
        assert "serviceexecution.dev/traceparent" not in service.executions()[name]["metadata"]["annotations"]

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
    async def test_a_bad_submission_is_refused_and_leaves_nothing(self, service, body, headers, status, code):
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

    @pytest.mark.parametrize(
        ("status", "message"),
        [
            (500, "etcdserver: request is too large"),
            (500, "rpc error: trying to send message larger than max (2100000 vs. 2097152)"),
            (
                422,
                'ConfigMap "a" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
            ),
            (413, "Request entity too large: limit is 3145728"),
        ],
    )
    async def test_an_input_that_etcd_cannot_hold_is_refused_once_with_a_sentence(
        self, service, status, message
    ):
        service.cluster.fail("create", "configmaps", KubernetesError(message, status=status))
        answer = await service.post()
        assert (answer.status_code, answer.json()["code"]) == (413, "InputTooLarge")
        assert "put many values into one property" in answer.json()["detail"]
        assert len(service.executions()) == 0

    async def test_a_refused_execution_leaves_what_another_request_with_its_key_uses(self, service):
        headers = JSON | {"Idempotency-Key": "one"}
        create, refused = service.cluster.create, asyncio.Event()

        async def slow(kind, namespace, manifest, **options):
            if kind == SERVICE_EXECUTIONS and not refused.is_set():
                refused.set()
                assert (await service.post(headers=headers)).status_code == 201
                raise KubernetesError("exceeded quota: x", status=403)
            return await create(kind, namespace, manifest, **options)

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

    async def test_another_body_with_the_same_key_is_a_conflict(self, service):
        headers = JSON | {"Idempotency-Key": "one"}
        await service.started(headers=headers)
        assert is_problem(await service.post(b"{}", headers), 409, "IdempotencyKeyReused")

    async def test_ten_submissions_of_one_key_make_one_execution(self, service):
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

    async def test_idempotency_keys_of_others_are_others(self, service):
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
