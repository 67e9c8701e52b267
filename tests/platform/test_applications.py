"""``qhub-api`` 3.3.0, unmodified: access keys as applications."""

import pytest

from tests.platform.platform_client import Platform, refused

PACKAGE = "qhub-service"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_applications_are_access_keys(sdk, gateway, asynchronous):
    key_id, secret = gateway.access_key()
    client = Platform(sdk, gateway, token=f"{key_id}:{secret}", asynchronous=asynchronous).client
    (application,) = client.applications.get_applications()
    assert (application.id, application.current_user_permission) == (key_id, "OWNER")
    assert client.applications.get_application(key_id).name == key_id
    (key,) = client.applications.get_application_access_keys(key_id)
    assert (key.type, key.access_key_id, key.secret_access_key) == ("SERVICE_GATEWAY", key_id, None)
    refused("NotFoundError", client.applications.get_application, "team-a.knobody")
    refused("ForbiddenError", client.applications.create_application, name="new", code="NotSupported")
    refused("ForbiddenError", client.applications.delete_application, key_id, code="NotSupported")
