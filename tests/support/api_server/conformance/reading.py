"""Lists: selectors, pages, metadata alone."""

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    EVENTS,
    SERVICE_EXECUTIONS,
)
from tests.support.api_server.conformance.checks import Client, check, config_map, meta, names


@check
async def labels_select_by_presence_and_value(client: Client, namespace: str) -> None:
    for name, labels in {"a": {"l": "1"}, "b": {"l": "2"}, "c": {"l": "1", "m": "1"}, "d": {}}.items():
        await client.create(CONFIG_MAPS, namespace, config_map(name, labels=labels))
    expected = {
        "l": "abc",
        "l=1": "ac",
        "l==2": "b",
        "l!=1": "bd",
        "l,l!=1": "b",
        "!l": "d",
        "l=1,!m": "a",
        "l in (2,3),l": "b",
    }
    found = {one: "".join(await names(client, namespace, label_selector=one)) for one in expected}
    assert found == expected


@check
async def fields_select_by_value(client: Client, namespace: str) -> None:
    for name in "ab":
        await client.create(CONFIG_MAPS, namespace, config_map(name))
    assert await names(client, namespace, field_selector="metadata.name=b") == ["b"]
    for type_, uid in (("Warning", "1"), ("Normal", "1"), ("Warning", "2")):
        about = {"kind": "ConfigMap", "namespace": namespace, "name": "a", "uid": uid}
        metadata: JsonObject = {"name": f"{type_.lower()}-{uid}"}
        event: JsonObject = {
            "metadata": metadata,
            "involvedObject": {**about},
            "type": type_,
            "reason": "Test",
        }
        await client.create(EVENTS, namespace, event)
    found = await client.list(EVENTS, namespace, field_selector="involvedObject.uid=1,type=Warning")
    assert [meta(item)["name"] for item in found.items] == ["warning-1"]


@check
async def executions_are_selected_by_their_service(client: Client, namespace: str) -> None:
    for name, service in (("one", "adder"), ("two", "plotter")):
        body: JsonObject = {
            "apiVersion": "serviceexecution.dev/v1alpha1",
            "kind": "ServiceExecution",
            "metadata": {"name": name},
            "spec": {"serviceRef": {"name": service}},
        }
        await client.create(SERVICE_EXECUTIONS, namespace, body)
    found = await client.list(SERVICE_EXECUTIONS, namespace, field_selector="spec.serviceRef.name=plotter")
    assert [meta(item)["name"] for item in found.items] == ["two"]


@check
async def pages_are_of_one_snapshot_in_the_order_of_names(client: Client, namespace: str) -> None:
    for name in "cabed":
        await client.create(CONFIG_MAPS, namespace, config_map(name, labels={"mine": "yes"}))
    pages = [page async for page in client.list_pages(CONFIG_MAPS, namespace, label_selector="mine", limit=2)]
    assert [[meta(item)["name"] for item in page.items] for page in pages] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    assert len({page.resource_version for page in pages}) == 1
    assert not any(page.begun_again for page in pages)


@check
async def an_empty_list_is_one_page_with_a_version(client: Client, namespace: str) -> None:
    pages = [page async for page in client.list_pages(CONFIG_MAPS, namespace, label_selector="nobody")]
    assert [page.items for page in pages] == [[]]
    assert int(pages[0].resource_version) > 0


@check
async def metadata_can_be_listed_without_the_rest(client: Client, namespace: str) -> None:
    stored = await client.create(CONFIG_MAPS, namespace, config_map("a", data={"x": "1"}, labels={"l": "1"}))
    pages = client.list_pages(CONFIG_MAPS, namespace, label_selector="l", metadata_only=True)
    (item,) = [item async for page in pages for item in page.items]
    assert "data" not in item
    assert (meta(item)["uid"], meta(item)["labels"]) == (meta(stored)["uid"], {"l": "1"})
