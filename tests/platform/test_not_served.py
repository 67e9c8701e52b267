"""``qhub-api`` 3.3.0, unmodified: every call that is not served is an error of the client with a sentence."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.platform.named_calls import calls_with_tests
from tests.support.sdk.process import RemoteError

PACKAGE = "qhub-service"
ALL = None
"""Every call of the client."""
SERVED = {
    "authentication": ALL,
    "users": {"get_my_accounts", "get_user_provider_token_availability"},
    "data_pools": ALL,
    "data_pool_grants": ALL,
    "service_executions": ALL,
    "service_jobs": ALL,
    "services": ALL,
    "managed_services": {
        "create_managed_service",
        "upload_managed_service_source",
        "download_managed_service_source",
        "update_managed_service_source",
        "update_managed_service_runtime_configuration",
        "update_managed_service_resource_configuration",
        "build_managed_service",
        "get_managed_service_build_status",
        "get_managed_service_build_logs",
    },
    "applications": {
        "get_applications",
        "get_application",
        "get_application_access_keys",
        "get_application_subscriptions",
    },
    "subscriptions": {"create_subscription", "get_subscription", "get_service_executions_by_subscription"},
}
"""Clients and their calls that are served: the other modules here make each."""
NOT_SERVED = {
    "algorithms": "They belong to the platform's site.",
    "announcements": "They belong to the platform's site.",
    "billing": "Nothing is billed.",
    "data_pool_shares": "Roles of the cluster say who may read what.",
    "entitlements": "Nothing is billed.",
    "external_services": "Services run in the cluster.",
    "git_integrations": "spec.source.git fetches repositories.",
    "implementations": "They belong to the platform's site.",
    "marketplace": "There is no marketplace.",
    "organizations": "Namespaces stand for them.",
    "products": "There is no marketplace.",
    "quantum_workloads": "Quantum computers are not reached through the gateway.",
    "service_shares": "Roles of the cluster say who may run what.",
    "use_cases": "They belong to the platform's site.",
    "user_notifications": "They belong to the platform's site.",
    "workflow_services": "There are no workflows.",
    "workflow_user_tasks": "There are no workflows.",
}
"""Clients of which no call is served, and why. Of those in ``SERVED`` it is what is not named there."""
WITHOUT_BODY = {"get_file_info", "get_implementation_file_info", "get_permission_for_implementation"}
"""Calls that are HEAD: no answer of theirs has a body."""
PARTLY = [name for name, calls in SERVED.items() if calls is not ALL]


def calls_of(sdk, client):
    return [
        name for name in sdk.module("builtins").dir(client) if name[0] != "_" and name != "with_raw_response"
    ]


def arguments_of(sdk, call):
    """Return something for each argument that the call needs."""
    inspect = sdk.module("inspect")
    parameters = sdk.module("builtins").list(inspect.signature(call).parameters.values())
    needed = [one for one in parameters if "_empty" in repr(one.default)]
    return {one.name: _something(repr(one.annotation)) for one in needed}


def _something(annotation):
    if "datetime" in annotation:
        return datetime(2026, 11, 28, tzinfo=UTC)
    for word, value in (("bytes", b"x"), ("Sequence", []), ("Dict", {}), ("int", 1), ("bool", True)):
        if re.search(rf"\b{word}\b", annotation):
            return value
    return "x"


def test_each_client_is_served_or_said_not_to_be(sdk):
    source = sdk.module("inspect").getsource(sdk.module("qhub.api.platform").HubPlatformClient)
    assert set(re.findall(r"def (\w+)\(self\):", source)) == {*NOT_SERVED, *SERVED}


def test_each_call_that_is_served_is_made_by_a_test_with_both_clients(sdk, sync):
    modules = [one for one in Path(__file__).parent.glob("test_*.py") if f'"{PACKAGE}"' in one.read_text()]
    found = [calls_with_tests(one) for one in modules if one.name != Path(__file__).name]
    both = set().union(*(names for _, names in found))
    for name, calls in SERVED.items():
        wanted = set(calls_of(sdk, getattr(sync.client, name))) if calls is ALL else calls
        assert wanted - both == set(), name


@pytest.mark.parametrize("name", [*NOT_SERVED, *PARTLY])
def test_what_is_not_served_is_an_error_of_the_client_with_a_sentence(platform, sdk, name):
    client = getattr(platform.client, name)
    served = SERVED.get(name, set())
    asked = [call for call in calls_of(sdk, client) if call not in served]
    assert asked
    for call in asked:
        function = getattr(client, call)
        arguments = arguments_of(sdk, function)
        with pytest.raises(RemoteError) as caught:
            list(function(**arguments))  # Downloads ask only when they are read
        error = caught.value
        assert error.kinds[0] in {"NotFoundError", "ForbiddenError", "ApiError"}, (call, error)
        assert error.members["status_code"] in {403, 404}, (call, error)
        if call in WITHOUT_BODY:
            assert error.members["body"] == ""
            continue
        assert error.members["body"]["code"] == "NotSupported", (call, error.members)
        assert error.members["body"]["detail"].endswith("."), call


def test_strangers_are_told_nothing(sdk, gateway):
    make = sdk.module("qhub.api.platform").HubPlatformClient
    client = make(base_url=gateway.base, api_key="wrong", max_retries=0)
    with pytest.raises(RemoteError) as caught:
        client.data_pools.get_data_pools()
    assert caught.value.kinds[0] == "UnauthorizedError"
