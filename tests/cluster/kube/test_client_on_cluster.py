"""The client against a real API server."""

import asyncio
import contextlib
from typing import Any

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError, GoneError, KubernetesError
from serviceexecution.kube.events import EventPoster, ObjectIdentity
from serviceexecution.kube.kinds import CONFIG_MAPS, EVENTS, LEASES, ResourceKind
from serviceexecution.kube.lease import LeaderLease, LeaseTiming
from serviceexecution.kube.reviews import TokenIdentity
from tests.cluster.conftest import StartPod, has_reached
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

TOKENS = ResourceKind("", "v1", "serviceaccounts")
PYTHON_SAYS = (
    "import sys\nfor number in range(3): print('line', number, flush=True)\nsys.stdout.write('no end')"
)


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"mine": "yes"}},
        "data": data,
    }


def uid_of(stored: Any) -> str:
    return str(stored["metadata"]["uid"])


async def test_the_version_of_a_real_api_server_is_read(client: KubernetesClient):
    major, minor = await client.server_version()
    assert major == 1
    assert minor >= 30


async def test_create_get_and_exactness(client: KubernetesClient, namespace: str):
    data = {"text": "ünï \x01 \n", "number": "12345678901234567890"}
    stored = await client.create(CONFIG_MAPS, namespace, config_map("a", **data))
    found: Any = await client.get(CONFIG_MAPS, namespace, "a")
    assert found == stored
    assert found["data"] == data
    assert await client.get(CONFIG_MAPS, namespace, "b") is None
    with pytest.raises(AlreadyExistsError):
        await client.create(CONFIG_MAPS, namespace, config_map("a"))
    with pytest.raises(KubernetesError, match="Invalid value") as caught:
        await client.create(CONFIG_MAPS, namespace, config_map("Not A Name"))
    assert caught.value.status == 422


async def test_list_with_pages_and_selectors(client: KubernetesClient, namespace: str):
    for number in range(10):
        await client.create(CONFIG_MAPS, namespace, config_map(f"c{number}"))
    found = await client.list(CONFIG_MAPS, namespace, label_selector="mine=yes")
    names: list[Any] = [item["metadata"]["name"] for item in found.items]
    assert names == [f"c{number}" for number in range(10)]
    assert int(found.resource_version) > 0
    one = await client.list(CONFIG_MAPS, namespace, field_selector="metadata.name=c3")
    assert len(one.items) == 1
    everywhere = await client.list(CONFIG_MAPS, None, label_selector="mine=yes")
    assert len(everywhere.items) >= 10
    pages = [page async for page in client.list_pages(CONFIG_MAPS, namespace, label_selector="mine", limit=3)]
    assert [len(page.items) for page in pages][:3] == [3, 3, 3]
    assert len({page.resource_version for page in pages}) == 1


async def test_pages_of_metadata_alone_skip_what_the_selector_leaves_out(
    client: KubernetesClient, namespace: str
):
    """As the sweep of submissions lists: no input is read, and none that an execution has adopted."""
    label = "serviceexecution.dev/submission"
    for name, value in (("a", "a"), ("b", "adopted"), ("c", "c")):
        body = config_map(name, data="x" * 900_000)
        body["metadata"] = {"name": name, "labels": {label: value}}
        await client.create(CONFIG_MAPS, namespace, body)
    pages = client.list_pages(
        CONFIG_MAPS, namespace, label_selector=f"{label},{label}!=adopted", metadata_only=True, limit=1
    )
    found: list[Any] = [item async for page in pages for item in page.items]
    assert [item["metadata"]["name"] for item in found] == ["a", "c"]
    assert all("data" not in item for item in found)


async def test_patch_and_its_conflict(client: KubernetesClient, namespace: str):
    stored: Any = await client.create(CONFIG_MAPS, namespace, config_map("a", x="1", y="2"))
    patched: Any = await client.patch(CONFIG_MAPS, namespace, "a", {"data": {"x": None, "z": "3"}})
    assert patched["data"] == {"y": "2", "z": "3"}
    old: JsonObject = {
        "metadata": {"resourceVersion": stored["metadata"]["resourceVersion"]},
        "data": {"x": "4"},
    }
    with pytest.raises(ConflictError):
        await client.patch(CONFIG_MAPS, namespace, "a", old)
    assert await client.patch(CONFIG_MAPS, namespace, "b", {}) is None


async def test_delete_only_the_object_that_is_meant(client: KubernetesClient, namespace: str):
    first = uid_of(await client.create(CONFIG_MAPS, namespace, config_map("a")))
    assert await client.delete(CONFIG_MAPS, namespace, "a", uid=first)
    assert not await client.delete(CONFIG_MAPS, namespace, "a", uid=first)
    second = uid_of(await client.create(CONFIG_MAPS, namespace, config_map("a")))
    assert not await client.delete(CONFIG_MAPS, namespace, "a", uid=first)
    assert uid_of(await client.get(CONFIG_MAPS, namespace, "a")) == second


async def test_watch_from_a_list_on(client: KubernetesClient, namespace: str):
    listed = await client.list(CONFIG_MAPS, namespace, label_selector="mine=yes")
    events = client.watch(
        CONFIG_MAPS,
        namespace,
        resource_version=listed.resource_version,
        label_selector="mine=yes",
        timeout_seconds=20,
    )

    async def change() -> None:
        await client.create(CONFIG_MAPS, namespace, config_map("a"))
        await client.patch(CONFIG_MAPS, namespace, "a", {"data": {"big": "x" * 900_000}})
        await client.delete(CONFIG_MAPS, namespace, "a")

    changing = asyncio.create_task(change())
    seen: list[str] = []
    async with contextlib.aclosing(events):
        async for event in events:
            seen.append(event.type)
            if event.type == "DELETED":
                break
    await changing
    assert seen == ["ADDED", "MODIFIED", "DELETED"]


async def test_a_watch_ends_when_its_time_is_over(client: KubernetesClient, namespace: str):
    events = [event async for event in client.watch(CONFIG_MAPS, namespace, timeout_seconds=1)]
    assert {event.type for event in events} <= {"ADDED", "BOOKMARK"}


async def test_a_watch_from_too_old_a_version_is_gone(client: KubernetesClient, namespace: str):
    for kind in (CONFIG_MAPS, LEASES, EVENTS):
        try:
            async for _ in client.watch(kind, namespace, resource_version="1", timeout_seconds=1):
                pass
        except GoneError:
            return
    pytest.skip("a cluster so young that its API server still remembers everything")


async def test_a_pods_token_is_recognised(client: KubernetesClient, namespace: str, start_pod: StartPod):
    pod = await start_pod("import time; time.sleep(60)")
    audience = "collector.serviceexecution.dev"
    request: JsonObject = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {
            "audiences": [audience],
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "pod", "uid": uid_of(pod)},
        },
    }
    answer: Any = await client._transport.request(
        "create",
        TOKENS.path(namespace, "default", "token"),
        resource="serviceaccounts/token",
        method="POST",
        body=request,
    )
    token = answer["status"]["token"]
    identity = await client.review_token(token, audience)
    assert identity is not None
    assert identity.service_account == (namespace, "default")
    assert (identity.pod_name, identity.pod_uid) == ("pod", uid_of(pod))
    assert await client.review_token(token, "somewhere.else") is None
    assert await client.review_token(token, None) is None, "not meant for the API server"
    assert await client.review_token("nonsense", audience) is None


async def test_access_is_asked_of_the_cluster(client: KubernetesClient, namespace: str):
    asked = {"verb": "get", "group": "serviceexecution.dev", "resource": "serviceexecutions"}
    where = {"subresource": "log", "namespace": namespace, "name": "sum"}
    assert not await client.review_access(TokenIdentity("nobody"), **asked, **where)
    admin = TokenIdentity("someone", groups=("system:masters",))
    assert await client.review_access(admin, **asked, **where)


async def test_log_of_a_pod(client: KubernetesClient, namespace: str, start_pod: StartPod):
    await start_pod(PYTHON_SAYS)
    await until(lambda: has_reached(client, namespace, "pod", "terminated"), seconds=60)
    async with client.log_lines(namespace, "pod", container="main", follow=True, since_time=None) as chunks:
        text = b"".join([chunk async for chunk in chunks])
    assert [line.partition(b" ")[2] for line in text.split(b"\n")] == [
        b"line 0",
        b"line 1",
        b"line 2",
        b"no end",
    ]
    async with client.log_lines(
        namespace, "pod", container="main", follow=False, since_time=None, tail_lines=1
    ) as chunks:
        assert b"".join([chunk async for chunk in chunks]).endswith(b" no end")
    with pytest.raises(KubernetesError) as caught:
        async with client.log_lines(namespace, "none", container="main", follow=True, since_time=None):
            pass
    assert caught.value.status == 404


async def test_log_of_a_container_that_cannot_start(
    client: KubernetesClient, namespace: str, start_pod: StartPod
):
    await start_pod("", image="localhost/there-is-none:1", wait_for=None)

    async def refused() -> bool:
        try:  # before the pod has a node, there is an empty log
            async with client.log_lines(namespace, "pod", container="main", follow=False, since_time=None):
                return False
        except KubernetesError as error:
            return error.status == 400 and "waiting to start" in str(error)

    await until(refused)


async def test_an_event_is_posted_once(client: KubernetesClient, namespace: str):
    about = ObjectIdentity("v1", "ConfigMap", namespace, "a", "11111111-1111-1111-1111-111111111111")
    poster = EventPoster(client, component="serviceexecution-controller", instance="test")
    assert await poster.post(about, type_="Warning", reason="Testing", message="ü" * 2000)
    assert not await poster.post(about, type_="Warning", reason="Testing", message="ü" * 2000)
    found = await client.list(EVENTS, namespace, field_selector="involvedObject.name=a")
    assert len(found.items) == 1


async def test_a_lease_changes_hands(client: KubernetesClient, namespace: str):
    timing = LeaseTiming(duration=3, renew_deadline=2, retry_period=0.2)
    lost: list[str] = []
    leases = {
        name: LeaderLease(
            client,
            namespace=namespace,
            name="controller",
            identity=name,
            on_lost=lambda name=name: lost.append(name),  # type: ignore[misc]
            timing=timing,
        )
        for name in ("a", "b")
    }
    await leases["a"].acquire()
    waiting = asyncio.create_task(leases["b"].acquire())
    await asyncio.sleep(1)
    assert not waiting.done()
    await leases["a"].release()
    async with asyncio.timeout(2):
        await waiting
    stored: Any = await client.get(LEASES, namespace, "controller")
    assert (stored["spec"]["holderIdentity"], stored["spec"]["leaseTransitions"]) == ("b", 1)
    await client.patch(LEASES, namespace, "controller", {"spec": {"holderIdentity": "thief"}})
    await until(_is(lost, ["b"]), seconds=5)
    await leases["b"].release()


def _is(actual: list[str], expected: list[str]):
    async def condition() -> bool:
        return actual == expected

    return condition
