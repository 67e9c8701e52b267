"""``qhub-api`` 3.3.0, unmodified: services, listed, described and deleted."""

import json
import time
from datetime import UTC, datetime

import pytest

from serviceexecution.kube.errors import KubernetesError
from serviceexecution.store.usage.sums import UsageNote
from tests.platform.platform_client import UNKNOWN, refused
from tests.support.sdk.process import RemoteError
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE

PACKAGE = "qhub-service"


def test_services_are_listed(platform):
    source = {"archive": {"digest": f"sha256:{'0' * 64}"}}
    platform.define("built", displayName="Built", runtime={"python": {}}, source=source)
    listed = platform.client.services.get_services
    assert sorted((one.name, one.display_name, one.lifecycle) for one in listed()) == [
        ("built", "Built", "CREATED"),
        (SERVICE, SERVICE, "ACCESSIBLE"),
    ]
    assert [one.id for one in listed(lifecycle="ACCESSIBLE")] == [platform.service_id]
    assert [one.name for one in listed(lifecycle=["CREATED", "PUBLISHED"])] == ["built"]


def test_a_service_is_shown_with_its_definition(platform):
    resources = {"requests": {"cpu": "250m"}, "limits": {"memory": "1Gi"}}
    uid = platform.define("other", description="Adds.", resources=resources)
    service = platform.client.services.get_service(uid)
    assert (service.id, service.name, service.current_user_permission) == (uid, "other", "OWNER")
    (definition,) = service.service_definitions
    assert (definition.id, definition.description, definition.lifecycle) == (uid, "Adds.", "ACCESSIBLE")
    assert definition.gateway_endpoint == f"{platform.gateway.address}/services/{NAMESPACE}/other"
    assert {one.type: (one.amount, one.unit) for one in definition.configurations} == {
        "cpu": (250, "m"),
        "memory": (1074, "M"),
    }
    assert (definition.source.type, definition.source.image) == ("registry", "busybox")
    assert definition.runtime_configuration.runtime == "DOCKER"


@pytest.mark.parametrize(("verbs", "permission"), [({"get"}, "VIEWER"), ({"get", "patch"}, "MAINTAINER")])
def test_the_permission_is_what_the_roles_say(platform, verbs, permission):
    platform.service.cluster.allowed = lambda question: question["verb"] in verbs
    assert platform.client.services.get_service(platform.service_id).current_user_permission == permission


@pytest.mark.parametrize("form", [None, "JSON", "YAML"])
def test_the_openapi_text_is_a_text(platform, form):
    text = platform.client.services.get_service_open_api(
        platform.service_id, **({} if form is None else {"format": form})
    )
    document = json.loads(text)
    assert document["servers"] == [{"url": f"{platform.gateway.address}/services/{NAMESPACE}/{SERVICE}"}]


def test_statistics_count_what_there_is(platform):
    platform.submit()
    platform.execution("old", created="2020-01-01T10:00:00Z")
    counted = platform.client.services.get_service_statistics(platform.service_id)
    executions = counted.managed_service_executions
    assert (executions.total_count, executions.this_month_count, executions.last_month_count) == (2, 1, 0)
    assert (counted.stars, executions.last_three_months_count) == (0, 1)


def test_what_a_service_has_used_outlives_its_executions(platform):
    ended = datetime(2026, 11, 28, 12, tzinfo=UTC)
    note = UsageNote("gone", "F", 7200, 1024 * 3600)
    platform.gateway.run(platform.service.store.usage_sums.note(NAMESPACE, SERVICE, ended, note))
    said = platform.get(f"/services/{NAMESPACE}/{SERVICE}/usage").json()
    month = {
        "month": "2026-11",
        "executions": 1,
        "failures": 1,
        "cancelled": 0,
        "cpuSeconds": 7.2,
        "gibHours": 1.0,
    }
    assert said == {"service": SERVICE, "months": [month]}
    assert platform.get(f"/services/{NAMESPACE}/{SERVICE}/usage?month=2026-11").json() == said
    assert (
        platform.get(f"/services/{NAMESPACE}/{SERVICE}/usage?month=2026-10").json()["months"][0]["executions"]
        == 0
    )
    assert platform.get(f"/services/{NAMESPACE}/{SERVICE}/usage?month=soon").status_code == 400
    assert platform.get(f"/services/{NAMESPACE}/nothing/usage").status_code == 404
    counted = platform.client.services.get_service_statistics(platform.service_id)
    assert counted.managed_service_executions.total_count == 1


def test_names_are_free_or_taken(platform):
    free = platform.client.services.check_service_name_availability
    assert (free(name=SERVICE), free(name="another")) == (False, True)


def test_a_service_is_not_deleted_where_the_gateway_may_not(platform):
    forbidden = KubernetesError("forbidden", status=403, reason="Forbidden")
    platform.service.cluster.fail("delete", "servicedefinitions", forbidden)
    delete = platform.client.services.delete_service
    body = refused("ForbiddenError", delete, platform.service_id, code="NotSupported")
    assert "platformApi.write" in body["detail"]


def test_a_service_is_not_deleted_by_a_caller_without_the_right(platform):
    platform.service.cluster.allowed = lambda question: question["verb"] != "delete"
    body = refused("ForbiddenError", platform.client.services.delete_service, platform.service_id)
    assert "delete servicedefinitions" in body["detail"]
    assert platform.service_id


def test_a_deleted_service_is_gone(platform):
    services, service_id = platform.client.services, platform.service_id
    services.delete_service(service_id)
    assert ("servicedefinitions", NAMESPACE, SERVICE) not in platform.service.cluster.objects
    deadline = time.monotonic() + 10
    while services.get_services():
        assert time.monotonic() < deadline
    refused("NotFoundError", services.get_service, service_id)
    refused("NotFoundError", services.delete_service, service_id)


def test_an_unknown_service_is_a_typed_404_and_costs_few_lists(platform):
    services = platform.client.services
    before = len(platform.service.cluster.requests)
    for call in (
        services.get_service,
        services.get_service_open_api,
        services.get_service_statistics,
        services.get_service_subscriptions,
        services.delete_service,
    ):
        refused("NotFoundError", call, UNKNOWN)
    asked = [one.verb for one in platform.service.cluster.requests[before:]]
    assert asked == ["list"]


def test_without_the_right_services_are_a_typed_403(platform):
    platform.service.cluster.allowed = lambda question: False
    services = platform.client.services
    for call in (services.get_service, services.get_service_open_api, services.get_service_subscriptions):
        assert "get servicedefinitions" in refused("ForbiddenError", call, platform.service_id)["detail"]
    with pytest.raises(RemoteError, match="403"):  # No typed error of this method
        services.get_services()
