"""``qhub-api`` 3.3.0, unmodified: which access key may run which service."""

import pytest

from tests.platform.platform_client import UNKNOWN, Platform, refused
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE

PACKAGE = "qhub-service"


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def with_key(request, sdk, gateway):
    """Return the client of an access key and the key's id."""
    key_id, secret = gateway.access_key()
    return Platform(sdk, gateway, token=f"{key_id}:{secret}", asynchronous=request.param), key_id


def test_a_key_that_may_run_a_service_has_a_subscription(with_key):
    platform, key_id = with_key
    client, service_id = platform.client, platform.service_id
    made = client.subscriptions.create_subscription(service_id=service_id, application_id=key_id)
    assert (made.id, made.application.id) == (f"{key_id.partition('.')[2]}.{service_id}", key_id)
    assert (made.service.id, made.service.name, made.service.lifecycle) == (service_id, SERVICE, "ACCESSIBLE")
    assert made.service.gateway_endpoint == f"{platform.gateway.address}/services/{NAMESPACE}/{SERVICE}"
    again = client.subscriptions.create_subscription(service_id=service_id, application_id=key_id)
    assert again.id == made.id
    assert client.subscriptions.get_subscription(made.id).service.name == SERVICE
    assert [one.id for one in client.applications.get_application_subscriptions(key_id)] == [made.id]
    assert [one.id for one in client.services.get_service_subscriptions(service_id)] == [made.id]
    refused("ForbiddenError", client.subscriptions.delete_subscription, made.id, code="NotSupported")


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_executions_of_a_subscription_are_those_of_the_key(sdk, gateway, asynchronous):
    key_id, secret = gateway.access_key()
    tokens = gateway.service.cluster.tokens
    tokens["key-token", None] = tokens[
        f"token-of-{NAMESPACE}-access-key-{key_id[7:]}", "services.serviceexecution.dev"
    ]
    platform = Platform(sdk, gateway, token=f"{key_id}:{secret}", asynchronous=asynchronous)
    platform.submit()
    names = [platform.submit(Authorization="Bearer key-token") for _ in range(2)]
    subscription = f"{key_id.partition('.')[2]}.{platform.service_id}"
    found = platform.client.subscriptions.get_service_executions_by_subscription(subscription)
    assert {one.id for one in found} == set(names)
    assert {one.application_id for one in found} == {key_id}


def test_without_the_keys_right_there_is_none(with_key):
    platform, key_id = with_key
    client = platform.client
    platform.service.cluster.allowed = lambda question: question["subresource"] != "run"
    for service_id in (platform.service_id, UNKNOWN):
        body = refused(
            "ForbiddenError",
            client.subscriptions.create_subscription,
            service_id=service_id,
            application_id=key_id,
        )
        assert "servicedefinitions/run" in body["detail"]
    assert client.applications.get_application_subscriptions(key_id) == []
    assert client.services.get_service_subscriptions(platform.service_id) == []


def test_what_is_unknown_or_missing_is_a_typed_error(with_key):
    platform, key_id = with_key
    create, get = (
        platform.client.subscriptions.create_subscription,
        platform.client.subscriptions.get_subscription,
    )
    refused("NotFoundError", create, service_id=UNKNOWN, application_id=key_id)
    refused("NotFoundError", create, service_id=platform.service_id, application_id="team-a.knobody")
    refused("BadRequestError", create, service_id="", application_id=key_id, code="InvalidBody")
    for unknown in ("x", ".", f"k.{UNKNOWN}", f"{key_id.partition('.')[2]}.{UNKNOWN}"):
        refused("NotFoundError", get, unknown)
