"""What both packages do with data pools: each line of the list that the calls are checked by, for either client."""

import hashlib
import time

import pytest

from serviceexecution.kube.kinds import DATA_POOLS
from serviceexecution.store.pools.changes import Change
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.records import PoolFile, PoolIndex, file_id
from tests.platform.platform_client import UNKNOWN
from tests.support.sdk.process import RemoteError
from tests.unit.gateway.service_api.service_cluster import NAMESPACE

NAMES = ("ü é", 'a"b\\c', "a#b?c&d=e+f", "日本", "%20", ".hidden", "x" * 255)
BAD_NAMES = ("dir/a", "..", ".", "a\nb", "x" * 256, "ü" * 128)


class Pools:
    """A client's calls of data pools, and the gateway that they go to."""

    def __init__(self, sdk, gateway, client, *, tells_too_large=False):
        self.sdk = sdk
        self.gateway = gateway
        self.service = gateway.service
        self.calls = client.data_pools
        self.tells_too_large = tells_too_large

    def make(self, name="Measurements", **members):
        return self.calls.create_data_pool(name=name, **members).id

    def names(self, pool):
        return [file.name for file in self.calls.get_data_pool_files(pool)]

    def content(self, pool, file):
        return b"".join(self.calls.get_data_pool_file(pool, file))

    def fill(self, pool, count):
        """Give a data pool many files at once, as that many uploads would."""

        async def fill():
            reference = PoolReference(NAMESPACE, pool)

            async def chunks():
                yield b"1"

            store = self.service.store.pools
            blob = await store.write_blob(reference, chunks())
            changes = [
                Change.put(
                    PoolFile(
                        name=name,
                        id=file_id(pool, name),
                        sha256=blob.sha256,
                        size=1,
                        content_type="text/csv",
                        created_at="2026-11-28T12:00:00Z",
                        blob=blob.blob,
                    )
                )
                for name in (f"measurement {number:05}.csv" for number in range(count))
            ]
            planned = await store.plan(reference, PoolIndex(), changes)
            await store.write_index(reference, planned)
            (body,) = self.service.cluster.of(DATA_POOLS).values()
            status = {"files": count, "bytes": count, "index": planned.index.digest}
            await self.service.cluster.patch(
                DATA_POOLS, NAMESPACE, body["metadata"]["name"], {"status": status}, subresource="status"
            )

        self.gateway.run(fill())


def refused(kind, call, *arguments, code=None, **named):
    def fetch():
        """Call, and take what comes: errors of a download rise at its first piece."""
        return [*(call(*arguments, **named) or ())]

    with pytest.raises(RemoteError) as caught:
        fetch()
    error = caught.value
    assert error.kinds[0] == kind, error
    body = error.members["body"]
    assert body["detail"], body
    assert code in {None, body["code"]}, body
    return body


def pools_are_made_listed_changed_and_deleted(pools):
    calls = pools.calls
    assert calls.get_data_pools() == []
    made = calls.create_data_pool(name="Measurements")
    other = calls.create_data_pool(name="Other")
    assert {pool.id: pool.name for pool in calls.get_data_pools()} == {
        made.id: "Measurements",
        other.id: "Other",
    }
    calls.update_data_pool(made.id, name="Measurements", short_description="short", description="long")
    shown = calls.get_data_pool(made.id)
    assert (shown.name, shown.short_description, shown.description) == ("Measurements", "short", "long")
    assert shown.created_at
    changed = calls.update_data_pool(made.id, name="Renamed", description=None)
    assert (changed.name, changed.short_description, changed.description) == ("Renamed", "short", None)
    calls.delete_data_pool(made.id)
    refused("NotFoundError", calls.delete_data_pool, made.id, code="DataPoolNotFound")
    assert [pool.id for pool in calls.get_data_pools()] == [other.id]


def bad_pools_are_typed_errors(pools):
    refused("BadRequestError", pools.calls.create_data_pool, name="ab", code="InvalidDataPool")
    for call in ("get_data_pool", "delete_data_pool", "get_data_pool_files"):
        refused("NotFoundError", getattr(pools.calls, call), UNKNOWN)
    refused("NotFoundError", pools.calls.update_data_pool, UNKNOWN, name="pool")
    refused("NotFoundError", pools.calls.add_data_pool_file, UNKNOWN, file=b"1")
    pool = pools.make()
    refused("NotFoundError", pools.calls.get_data_pool_file, pool, UNKNOWN)
    refused("NotFoundError", pools.calls.delete_data_pool_file, pool, UNKNOWN)


def each_form_of_a_file_is_taken(pools, tmp_path):
    pool, add = pools.make(), pools.calls.add_data_pool_file
    first = add(pool, file=b"1,2")
    assert (first.name, first.content_length, first.data_pool_id) == ("upload", 3, pool)
    assert first.content_type == "application/octet-stream"
    path = tmp_path / "data.csv"
    path.write_bytes(b"3,4")
    opened = add(pool, file=pools.sdk.module("builtins").open(str(path), "rb"))
    assert (opened.name, opened.content_type, pools.content(pool, opened.id)) == (
        "data.csv",
        "text/csv",
        b"3,4",
    )
    assert add(pool, file=("two", b"5")).name == "two"
    assert add(pool, file=("three", b"5", "text/x-three")).content_type == "text/x-three"
    assert add(pool, file=("four", b"5", "text/x-four", {"X-More": "1"})).content_type == "text/x-four"
    assert add(pool, file=b"6", filename="named").name == "named"
    assert pools.names(pool) == ["data.csv", "four", "named", "three", "two", "upload"]


def odd_names_come_back(pools):
    pool = pools.make()
    for number, name in enumerate(NAMES):
        content = f"{number}".encode()
        by_part = pools.calls.add_data_pool_file(pool, file=(name, content))
        by_query = pools.calls.add_data_pool_file(pool, file=content, filename=name)
        assert (by_part.name, by_query.id) == (name, by_part.id)
        assert pools.content(pool, by_part.id) == content
    assert sorted(pools.names(pool)) == sorted(NAMES)


def bad_files_are_typed_errors_and_leave_nothing(pools):
    pool, add = pools.make(), pools.calls.add_data_pool_file
    for name in BAD_NAMES:
        refused("BadRequestError", add, pool, file=(name, b"1"), code="InvalidFileName")
        refused("BadRequestError", add, pool, file=b"1", filename=name, code="InvalidFileName")
    refused("BadRequestError", add, pool, file=(None, b"1"), code="InvalidFileName")
    assert add(pool, file=(None, b"1"), filename="named").name == "named"
    refused("BadRequestError", add, pool, file=[b"1", b"2"])
    assert pools.names(pool) == ["named"]


def the_same_name_replaces(pools):
    pool, add = pools.make(), pools.calls.add_data_pool_file
    first = add(pool, file=("a", b"1"))
    second = add(pool, file=("a", b"22"))
    assert (second.id, second.content_length, pools.content(pool, first.id)) == (first.id, 2, b"22")
    assert add(pool, file=("empty", b"")).content_length == 0
    assert pools.names(pool) == ["a", "empty"]


def ten_thousand_files_are_listed(pools):
    pool = pools.make()
    pools.fill(pool, 10_000)
    assert len(pools.calls.get_data_pool_files(pool)) == 10_000
    added = pools.calls.add_data_pool_file(pool, file=("measurement 00000.csv", b"22"))
    assert pools.content(pool, added.id) == b"22"


def sixty_megabytes_arrive_as_they_are(pools, tmp_path):
    pool = pools.make()
    path = tmp_path / "large.bin"
    content = hashlib.sha256(b"large").digest() * (60_000_000 // 32)
    path.write_bytes(content)
    file = pools.calls.add_data_pool_file(pool, file=pools.sdk.module("builtins").open(str(path), "rb"))
    assert (file.content_length, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    part = b"".join(
        pools.calls.get_data_pool_file(
            pool, file.id, request_options={"additional_headers": {"Range": "bytes=59999990-"}}
        )
    )
    assert part == content[59_999_990:]


def too_large_a_file_is_refused_before_it_is_sent(pools, tmp_path):
    pool = pools.make()
    path = tmp_path / "sparse.bin"
    with path.open("wb") as file:
        file.truncate(6 * 2**30)
    kind = "ContentTooLargeError" if pools.tells_too_large else "ApiError"
    started = time.monotonic()
    opened = pools.sdk.module("builtins").open(str(path), "rb")
    refused(kind, pools.calls.add_data_pool_file, pool, file=opened, code="DataPoolFileTooLarge")
    assert time.monotonic() - started < 30
    assert pools.names(pool) == []


def ids_that_lead_elsewhere_delete_no_file(pools):
    pool = pools.make()
    pools.calls.add_data_pool_file(pool, file=("a", b"1"))
    for odd in ("", "a#b", "a", "."):
        refused("NotFoundError", pools.calls.delete_data_pool_file, pool, odd)
    assert pools.names(pool) == ["a"]
    (file,) = pools.calls.get_data_pool_files(pool)
    pools.calls.delete_data_pool_file(pool, file.id)
    assert pools.names(pool) == []


CHECKS = (
    pools_are_made_listed_changed_and_deleted,
    bad_pools_are_typed_errors,
    odd_names_come_back,
    bad_files_are_typed_errors_and_leave_nothing,
    the_same_name_replaces,
    ten_thousand_files_are_listed,
    ids_that_lead_elsewhere_delete_no_file,
)
WITH_FILES = (
    each_form_of_a_file_is_taken,
    sixty_megabytes_arrive_as_they_are,
    too_large_a_file_is_refused_before_it_is_sent,
)
