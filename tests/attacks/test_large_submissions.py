"""M3, controller 8a: a megabyte of many small values or names does not hold the event loop.

Fails on 9b98b50: such a body was parsed on the loop for 0.4 to 0.7 s, and became a ConfigMap of 90,000 keys.
"""

import asyncio
import threading

import pytest

from serviceexecution.contract import json_pieces
from serviceexecution.contract.input import submission as contract
from serviceexecution.contract.input.input_text import INPUT_LIMIT, MAX_PROPERTIES
from serviceexecution.contract.input.submission import parse_submission
from serviceexecution.contract.json_pieces import PIECE
from serviceexecution.contract.problems import InputError
from serviceexecution.gateway.service_api.submission import intake
from serviceexecution.kube.kinds import CONFIG_MAPS
from tests.unit.gateway.service_api.service_cluster import SERVICE
from tests.unit.gateway.service_api.service_harness import JSON, Service

ROOM = INPUT_LIMIT - 1000


def many(item: bytes) -> bytes:
    return b'{"data":[' + b",".join([item] * (ROOM // (len(item) + 1))) + b"]}"


def named(count: int, value: bytes) -> bytes:
    return b"{" + b",".join(b'"%06d":%s' % (number, value) for number in range(count)) + b"}"


@pytest.fixture
def parsed_in(monkeypatch):
    threads = []

    def parse(body: bytes) -> contract.Submission:
        threads.append(threading.current_thread())
        return parse_submission(body)

    monkeypatch.setattr(intake, "parse_submission", parse)
    return threads


@pytest.mark.parametrize("item", [b"[]", b"{}", b'""', b'[""]', b'["\\""]', b"1"])
async def test_a_megabyte_of_small_values_is_parsed_beside_the_loop(tmp_path, parsed_in, item):
    service = Service(tmp_path)
    assert (await service.post(many(item))).status_code == 201
    assert parsed_in[0] is not threading.main_thread()


async def test_a_small_input_takes_no_thread(tmp_path, parsed_in):
    assert (await Service(tmp_path).post(b'{"a": 1}')).status_code == 201
    assert parsed_in[0] is threading.main_thread()


@pytest.fixture
def calls(monkeypatch):
    """How many characters of a list or an object each call of the scanner has read."""
    found, scanner = [], json_pieces._SCANNER

    class Counted:
        def raw_decode(self, text, at=0):
            try:
                _, end = read = scanner.raw_decode(text, at)
            except ValueError:
                end = len(text)  # At most
                raise
            finally:
                if text.startswith(("[", "{"), at):
                    found.append(end - at)
            return read

    monkeypatch.setattr(json_pieces, "_SCANNER", Counted())
    return found


@pytest.mark.parametrize(
    "body",
    [
        many(b"[]"),
        many(b"{}"),
        many(b'""'),
        many(b"[1, 2]"),
        many(b"[" + b"[]," * 40_000 + b"1]"),
        many(b'{"a": ' + b"[[1], 2," * 300 + b"3" + b"]" * 300 + b"}"),
        b'{"data": {"ref": "x", "values": ' + many(b"[]")[:-10_000] + b"[]]}}}",
        b'{"data":' + b"[1," * 400 + b"[]," * 300_000 + b"1" + b"]" * 400 + b"}",
    ],
    ids=["lists", "objects", "texts", "spaces", "large-lists", "deep", "many-in-one", "second-members"],
)
def test_no_call_reads_a_megabyte_while_all_other_threads_wait(calls, body):
    """A call of the scanner keeps the event loop from running, whatever thread it is in: a tenth of a second for each
    megabyte of small lists, before it was given pieces.
    """
    parse_submission(body)
    assert max(calls) <= PIECE + 20
    assert sum(calls) < 20 * len(body)


async def test_thousands_of_names_are_refused_with_what_to_do(tmp_path):
    service = Service(tmp_path)
    answer = await service.post(named(MAX_PROPERTIES + 1, b"{}"))
    assert answer.status_code == 400
    assert answer.json()["code"] == "InvalidInput"
    assert "more than 10,000 properties" in answer.json()["detail"]
    assert service.executions() == {}
    assert (await service.post(named(MAX_PROPERTIES, b"1"))).status_code == 201


def test_no_more_names_are_looked_at_than_may_be():
    """The rest of the text is wrong, and is not come to."""
    with pytest.raises(InputError, match="more than"):
        parse_submission(named(MAX_PROPERTIES + 1, b"1")[:-1] + b", wrong}")


@pytest.fixture
def scarce(monkeypatch):
    monkeypatch.setattr(intake, "SAVED_BYTES", 200_000)
    monkeypatch.setattr(intake, "BYTES_PER_SECOND", 1)
    monkeypatch.setattr(intake, "_TURN_SECONDS", 0.1)


async def chunks(body):
    yield body


@pytest.mark.parametrize("announced", [True, False])
async def test_bytes_of_bodies_are_bounded_for_each_namespace(tmp_path, scarce, announced):
    """On 9b98b50 only their number was: whatever fits into a second was read, parsed and written to etcd."""
    service = Service(tmp_path)
    service.cluster.define(namespace="other")
    body = b'{"a":"' + b"x" * 150_000 + b'"}'
    for expected in (201, 201, 503):
        answer = await service.post(body if announced else chunks(body))
        assert answer.status_code == expected
    assert answer.json()["code"] == "Busy"
    elsewhere = await service.http.post(f"/services/other/{SERVICE}", content=b'{"a": 1}', headers=JSON)
    assert elsewhere.status_code == 201


async def test_a_body_that_is_no_input_counts_several_times(tmp_path, scarce):
    service = Service(tmp_path)
    assert (await service.post(b'{"a":"' + b"x" * 50_000)).status_code == 400
    assert (await service.post(b'{"a": 1}')).status_code == 503


async def test_large_bodies_of_a_namespace_are_worked_on_one_by_one(tmp_path, monkeypatch):
    """On 9b98b50 all of a namespace's were at once, and all who use the API server waited for them.

    Its small ones, and large ones of other namespaces, do not wait for them.
    """
    service = Service(tmp_path)
    service.cluster.define(namespace="other")
    create, begun, both, go_on = service.cluster.create, [], asyncio.Event(), asyncio.Event()

    async def held(kind, namespace, manifest, **options):
        if kind == CONFIG_MAPS and len(str(manifest)) > 150_000:
            begun.append(namespace)
            if len(begun) == 2:
                both.set()
            await go_on.wait()
        return await create(kind, namespace, manifest, **options)

    monkeypatch.setattr(service.cluster, "create", held)
    body = b'{"a":"' + b"x" * 150_000 + b'"}'
    mine = [asyncio.create_task(service.post(body)) for _ in range(3)]
    path = f"/services/other/{SERVICE}"
    others = asyncio.create_task(service.http.post(path, content=body, headers=JSON))
    async with asyncio.timeout(30):
        await both.wait()
        assert (await service.post(b'{"a": 1}')).status_code == 201
    assert sorted(begun) == sorted({"other", service.base.split("/")[2]})
    go_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*mine, others)} == {201}
