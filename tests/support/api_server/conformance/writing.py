"""Creating, patching and deleting."""

from typing import Any

import pytest

from serviceexecution.contract.json_types import JsonObject, object_of
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
)
from tests.support.api_server.conformance.checks import (
    FINALIZER,
    INGRESSES,
    LOADED,
    Client,
    become,
    check,
    config_map,
    ingress,
    meta,
)


@check
async def what_is_created_is_answered_as_it_is_stored(client: Client, namespace: str) -> None:
    stored = await client.create(CONFIG_MAPS, namespace, config_map("a", data={"text": "ünï"}))
    assert stored == await client.get(CONFIG_MAPS, namespace, "a")
    assert stored["data"] == {"text": "ünï"}
    assert meta(stored)["namespace"] == namespace
    assert meta(stored)["uid"]
    assert meta(stored)["creationTimestamp"].endswith("Z")
    assert int(meta(stored)["resourceVersion"]) > 0
    assert "generation" not in meta(stored)


@check
async def a_second_object_of_one_name_is_refused(client: Client, namespace: str) -> None:
    first = await client.create(CONFIG_MAPS, namespace, config_map("a"))
    with pytest.raises(AlreadyExistsError) as caught:
        await client.create(CONFIG_MAPS, namespace, config_map("a", data={"x": "y"}))
    assert (caught.value.status, caught.value.reason) == (409, "AlreadyExists")
    assert await client.get(CONFIG_MAPS, namespace, "a") == first


@check
async def what_there_is_not_is_nothing_and_no_error(client: Client, namespace: str) -> None:
    for name in ("none", "../none"):
        assert await client.get(CONFIG_MAPS, namespace, name) is None
        assert await client.patch(CONFIG_MAPS, namespace, name, {"data": {}}) is None
        assert not await client.delete(CONFIG_MAPS, namespace, name)


@check
async def a_name_is_generated_from_its_beginning(client: Client, namespace: str) -> None:
    manifest = config_map("", generateName="run-")
    del meta(manifest)["name"]
    stored = [meta(await client.create(CONFIG_MAPS, namespace, manifest)) for _ in range(3)]
    assert len({one["name"] for one in stored}) == 3
    assert all(one["name"].startswith("run-") and len(one["name"]) == 9 for one in stored)


@check
async def spec_and_status_have_doors_of_their_own(client: Client, namespace: str) -> None:
    body: Any = await client.create(INGRESSES, namespace, ingress("one"))
    assert not body.get("status", {}).get("loadBalancer"), "no status comes with the object"
    assert meta(body)["generation"] == 1
    spec = ingress("two")["spec"]
    body = await client.patch(INGRESSES, namespace, "a", {"spec": spec, "status": LOADED})
    assert (meta(body)["generation"], body["spec"]) == (2, spec)
    assert not body.get("status", {}).get("loadBalancer")
    patch: JsonObject = {"spec": ingress("three")["spec"], "status": LOADED}
    body = await client.patch(INGRESSES, namespace, "a", patch, subresource="status")
    assert (meta(body)["generation"], body["spec"], body["status"]) == (2, spec, LOADED)


@check
async def a_merge_patch_merges_and_null_takes_away(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAPS, namespace, config_map("a", data={"x": "1", "y": "2"}, labels={"l": "1"}))
    patch: JsonObject = {
        "metadata": {"labels": {"l": None, "m": "2"}, "annotations": {"n": "3", "o": None}},
        "data": {"x": None, "z": "3"},
    }
    body: Any = await client.patch(CONFIG_MAPS, namespace, "a", patch)
    assert body["data"] == {"y": "2", "z": "3"}
    assert (meta(body)["labels"], meta(body)["annotations"]) == ({"m": "2"}, {"n": "3"})


@check
async def a_patch_that_changes_nothing_makes_no_version(client: Client, namespace: str) -> None:
    stored = await client.create(CONFIG_MAPS, namespace, config_map("a", data={"x": "1"}))
    assert await client.patch(CONFIG_MAPS, namespace, "a", {"data": {"x": "1"}}) == stored
    body = await client.patch(CONFIG_MAPS, namespace, "a", {"data": {"x": "2"}})
    assert int(meta(body)["resourceVersion"]) > int(meta(stored)["resourceVersion"])


@check
async def a_patch_of_an_older_version_is_a_conflict(client: Client, namespace: str) -> None:
    stored = await client.create(INGRESSES, namespace, ingress("one"))
    seen: JsonObject = {"resourceVersion": meta(stored)["resourceVersion"]}
    status: JsonObject = {"metadata": seen, "status": LOADED}
    assert await client.patch(INGRESSES, namespace, "a", status, subresource="status") is not None
    with pytest.raises(ConflictError) as caught:
        await client.patch(INGRESSES, namespace, "a", {"metadata": {**seen, "labels": {"a": "b"}}})
    assert (caught.value.status, caught.value.reason) == (409, "Conflict")
    status = {"metadata": seen, "status": {"loadBalancer": None}}
    with pytest.raises(ConflictError):
        await client.patch(INGRESSES, namespace, "a", status, subresource="status")


@check
async def a_field_is_written_whole_to_the_version_that_was_seen(client: Client, namespace: str) -> None:
    stored = await client.create(INGRESSES, namespace, ingress("one"))
    seen = meta(stored)["resourceVersion"]
    backend: JsonObject = {"service": {"name": "other", "port": {"number": 81}}}
    fields: JsonObject = {"defaultBackend": backend}
    changed = await client.replace_fields(INGRESSES, namespace, "a", fields, resource_version=seen)
    assert changed is not None
    assert changed["spec"] == {**object_of(stored["spec"]), "defaultBackend": backend}
    with pytest.raises(ConflictError) as caught:
        await client.replace_fields(INGRESSES, namespace, "a", fields, resource_version=seen)
    assert (caught.value.status, caught.value.reason) == (409, "Conflict")
    assert await client.replace_fields(INGRESSES, namespace, "b", fields, resource_version=seen) is None


@check
async def only_the_object_that_is_meant_is_deleted(client: Client, namespace: str) -> None:
    stored = meta(await client.create(CONFIG_MAPS, namespace, config_map("a")))
    assert not await client.delete(CONFIG_MAPS, namespace, "a", uid="11111111-1111-4111-8111-111111111111")
    newer = meta(await client.patch(CONFIG_MAPS, namespace, "a", {"data": {"x": "1"}}))
    with pytest.raises(ConflictError):
        await client.delete(CONFIG_MAPS, namespace, "a", resource_version=stored["resourceVersion"])
    assert await client.delete(
        CONFIG_MAPS, namespace, "a", uid=stored["uid"], resource_version=newer["resourceVersion"]
    )
    assert await client.get(CONFIG_MAPS, namespace, "a") is None


@check
async def what_is_owned_goes_with_its_last_owner(client: Client, namespace: str) -> None:
    owners: list[JsonObject] = []
    for name in ("one", "two"):
        stored = await client.create(CONFIG_MAPS, namespace, config_map(name))
        owners.append({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": meta(stored)["uid"]})
    for name, of in (("a", owners[:1]), ("b", owners), ("c", [])):
        await client.create(CONFIG_MAPS, namespace, config_map(name, ownerReferences=of))
    await client.delete(CONFIG_MAPS, namespace, "one")
    await become(client, namespace, "b", "c", "two")
    await client.delete(CONFIG_MAPS, namespace, "two")
    await become(client, namespace, "c")


@check
async def an_object_with_a_finalizer_stays_until_that_is_gone(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAPS, namespace, config_map("a", finalizers=[FINALIZER]))
    assert await client.delete(CONFIG_MAPS, namespace, "a")
    body = await client.get(CONFIG_MAPS, namespace, "a")
    assert meta(body)["deletionTimestamp"]
    await client.patch(CONFIG_MAPS, namespace, "a", {"metadata": {"finalizers": None}})
    assert await client.get(CONFIG_MAPS, namespace, "a") is None
