"""``planqk-api-sdk`` 1.9.4, unmodified: it calls data pools only, which are not served yet; it is told so."""

import pytest

from tests.support.sdk.process import RemoteError
from tests.unit.gateway.service_api.service_cluster import NAMESPACE

PACKAGE = "planqk-api-sdk"
POOL = "11111111-2222-3333-4444-555555555555"
NOT_SERVED: dict[str, dict[str, object]] = {
    "get_data_pools": {},
    "create_data_pool": {"name": "pool"},
    "get_data_pool": {"id": POOL},
    "update_data_pool": {"id": POOL, "name": "pool"},
    "delete_data_pool": {"id": POOL},
    "get_data_pool_files": {"id": POOL},
    "add_data_pool_file": {"id": POOL, "file": b"1,2,3"},
    "get_data_pool_file": {"id": POOL, "file_id": POOL},
    "delete_data_pool_file": {"id": POOL, "file_id": POOL},
}
"""All calls of the package, and what they are called with. Data pools come with a later version."""


@pytest.fixture(params=["PlanqkApi", "AsyncPlanqkApi"])
def connect(request, sdk, gateway):
    """Return what makes a client."""

    def client(token="alice-token", base=""):  # noqa: S107 - of nobody
        make = getattr(sdk.module("planqk.api.sdk"), request.param)
        return make(base_url=base or gateway.base, api_key=token)

    return client


def test_the_package_is_the_published_one(sdk):
    assert sdk.module("importlib.metadata").version("planqk-api-sdk") == "1.9.4"


def test_every_call_of_the_package_is_in_the_table(sdk, connect):
    names = sdk.module("builtins").dir(connect().data_pools)
    calls = {name for name in names if name[0] != "_" and name != "with_raw_response"}
    assert calls == set(NOT_SERVED)


@pytest.mark.parametrize("call", NOT_SERVED)
def test_what_is_not_served_is_a_typed_error_with_a_sentence(connect, call):
    with pytest.raises(RemoteError) as caught:
        list(getattr(connect().data_pools, call)(**NOT_SERVED[call]))
    assert caught.value.kinds[0] == "NotFoundError"
    body = caught.value.members["body"]
    assert (body["status"], body["code"]) == (404, "NotSupported")
    assert "PersistentVolumeClaim" in body["detail"]


def test_an_access_key_and_a_token_are_known_and_others_refused(connect, gateway):
    key_id, secret = gateway.access_key()
    for token, kind in {
        f"{key_id}:{secret}": "NotFoundError",
        f"{key_id}:wrong": "UnauthorizedError",
        "wrong": "UnauthorizedError",
    }.items():
        with pytest.raises(RemoteError) as caught:
            connect(token).data_pools.get_data_pools()
        assert caught.value.kinds[0] == kind


def test_the_base_url_may_end_in_slashes(connect, gateway):
    with pytest.raises(RemoteError) as caught:
        connect(base=f"{gateway.address}/platform/{NAMESPACE}//").data_pools.get_data_pools()
    assert caught.value.members["body"]["code"] == "NotSupported"
