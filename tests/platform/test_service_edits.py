"""``qhub-api`` 3.3.0, unmodified: what is said of a service for people, changed."""

import json

import pytest

from serviceexecution.kube.errors import KubernetesError
from serviceexecution.resources.names import ANNOTATION_CONTACTS, ANNOTATION_LINKS
from tests.platform.platform_client import UNKNOWN, refused
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE

PACKAGE = "qhub-service"
LINK = {"type": "DOCUMENTATION", "name": "Manual", "url": "https://example.com/m?a=b#c"}
MAIL = {"type": "EMAIL", "name": "Ann", "contact": "ann@example.com"}


def edits(platform):
    """Return each call with something that it takes."""
    services = platform.client.services
    return {
        services.update_service_summary: {"summary": "Adds."},
        services.update_service_description: {"description": "It adds numbers."},
        services.update_service_display_name: {"display_name": "The sum"},
        services.update_service_links: {"request": [LINK]},
        services.update_service_contacts: {"request": [MAIL]},
        services.update_service_publication: {"scope": "INTERNAL"},
        services.delete_service_publication: {},
    }


def test_what_is_said_of_a_service_is_shown_at_once(platform):
    services, uid = platform.client.services, platform.service_id
    for call, arguments in edits(platform).items():
        assert call(uid, **arguments) is None
    found = services.get_service(uid)
    (definition,) = found.service_definitions
    assert (found.display_name, definition.summary, definition.description) == (
        "The sum",
        "Adds.",
        "It adds numbers.",
    )
    assert [(one.type, one.name, one.url) for one in found.links] == [(*LINK.values(),)]
    assert [(one.type, one.name, one.contact) for one in found.contacts] == [(*MAIL.values(),)]
    assert [one.display_name for one in services.get_services()] == ["The sum"]


def test_an_empty_list_clears(platform):
    services, uid = platform.client.services, platform.service_id
    services.update_service_links(uid, request=[LINK])
    services.update_service_links(uid, request=[])
    services.update_service_contacts(uid, request=[])
    found = services.get_service(uid)
    assert (found.links, found.contacts) == ([], [])


@pytest.mark.parametrize(
    ("call", "arguments", "path"),
    [
        ("summary", {"summary": "s" * 1001}, "$.summary"),
        ("summary", {"summary": "\0"}, "$.summary"),
        ("description", {"description": "d" * 8193}, "$.description"),
        ("display_name", {"display_name": "n" * 257}, "$.displayName"),
        ("links", {"request": [LINK] * 21}, "$"),
        ("links", {"request": [LINK, {**LINK, "url": "javascript:alert(1)"}]}, "$[1].url"),
        ("links", {"request": [{**LINK, "type": "ELSE"}]}, "$[0].type"),
        ("contacts", {"request": [{"type": "LINK", "contact": "javascript:alert(1)"}]}, "$[0].contact"),
        ("contacts", {"request": [{**MAIL, "contact": ""}]}, "$[0].contact"),
        ("publication", {"scope": "ELSE"}, "$.scope"),
    ],
)
def test_what_cannot_be_said_is_a_typed_400(sync, call, arguments, path):
    update = getattr(sync.client.services, f"update_service_{call}")
    body = refused("BadRequestError", update, sync.service_id, **arguments, code="InvalidService")
    assert body["path"] == path


def test_nothing_is_public(sync):
    publish = sync.client.services.update_service_publication
    refused("ForbiddenError", publish, sync.service_id, scope="PUBLIC", code="NotSupported")


def test_links_that_somebody_else_has_written_are_shown_only_when_they_are_some(sync):
    odd = [LINK, {**LINK, "url": "javascript:alert(1)"}, {"url": "https://example.com"}, 7]
    annotations = {ANNOTATION_LINKS: json.dumps(odd), ANNOTATION_CONTACTS: "[" * 10_000}
    body = sync.service.cluster.objects["servicedefinitions", NAMESPACE, SERVICE]
    body["metadata"]["annotations"] = annotations
    sync.gateway.run(noted(sync, body))
    found = sync.client.services.get_service(sync.service_id)
    assert [one.url for one in found.links] == [LINK["url"]]
    assert found.contacts == []


async def noted(platform, body):
    platform.service.state.note_definition(body)


def test_edits_need_the_right_to_change_the_service(sync):
    sync.service.cluster.allowed = lambda question: question["verb"] != "patch"
    for call, arguments in edits(sync).items():
        body = refused("ForbiddenError", call, sync.service_id, **arguments)
        assert "patch servicedefinitions" in body["detail"]
        assert SERVICE in body["detail"] or sync.service_id


def test_edits_of_an_unknown_service_are_a_typed_404(sync):
    for call, arguments in edits(sync).items():
        refused("NotFoundError", call, UNKNOWN, **arguments)


def test_a_gateway_that_may_not_write_says_who_may_let_it(sync):
    message = 'servicedefinitions is forbidden: User "gateway" cannot patch resource "servicedefinitions"'
    sync.service.cluster.fail(
        "patch", "servicedefinitions", KubernetesError(message, status=403, reason="Forbidden")
    )
    update = sync.client.services.update_service_summary
    body = refused("ForbiddenError", update, sync.service_id, summary="x", code="NotSupported")
    assert "platformApi.write" in body["detail"]


def test_another_service_of_the_name_is_not_changed(sync):
    """The name was given again between the look and the write."""
    uid = sync.service_id
    body = sync.service.cluster.objects["servicedefinitions", NAMESPACE, SERVICE]
    body["metadata"]["uid"] = "another"
    refused("NotFoundError", sync.client.services.update_service_summary, uid, summary="x")
    assert "annotations" not in body["metadata"]
