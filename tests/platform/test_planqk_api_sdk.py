"""``planqk-api-sdk`` 1.9.4, unmodified: it calls data pools only."""

from pathlib import Path

import pytest

from tests.platform.data_pool_calls import CHECKS, WITH_FILES, Pools, refused
from tests.platform.named_calls import calls_with_tests
from tests.support.sdk.process import RemoteError
from tests.unit.gateway.service_api.service_cluster import NAMESPACE

PACKAGE = "planqk-api-sdk"
CALLS = {
    "get_data_pools",
    "create_data_pool",
    "get_data_pool",
    "update_data_pool",
    "delete_data_pool",
    "get_data_pool_files",
    "add_data_pool_file",
    "get_data_pool_file",
    "delete_data_pool_file",
}
"""All calls of the package."""


@pytest.fixture(params=["PlanqkApi", "AsyncPlanqkApi"])
def connect(request, sdk, gateway):
    """Return what makes a client."""

    def client(token="alice-token", base=""):  # noqa: S107 - of nobody
        make = getattr(sdk.module("planqk.api.sdk"), request.param)
        return make(base_url=base or gateway.base, api_key=token)

    return client


def test_the_package_is_the_published_one(sdk):
    assert sdk.module("importlib.metadata").version("planqk-api-sdk") == "1.9.4"


def test_every_call_of_the_package_is_known(sdk, connect):
    names = sdk.module("builtins").dir(connect().data_pools)
    assert {name for name in names if name[0] != "_" and name != "with_raw_response"} == CALLS


def test_each_call_of_the_package_is_made_by_a_test_with_both_clients():
    _, both = calls_with_tests(Path(__file__))
    assert CALLS - both == set()


@pytest.fixture
def pools(sdk, gateway, connect):
    return Pools(sdk, gateway, connect())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_data_pools_are_as_the_client_expects(check, pools):
    check(pools)


@pytest.mark.parametrize("check", WITH_FILES, ids=lambda check: check.__name__)
def test_files_are_taken_as_the_client_sends_them(check, sdk, gateway, tmp_path):
    client = sdk.module("planqk.api.sdk").PlanqkApi(base_url=gateway.base, api_key="alice-token")
    check(Pools(sdk, gateway, client), tmp_path)


def test_a_pool_without_a_name_is_a_typed_error(pools):
    refused("BadRequestError", pools.calls.create_data_pool, code="InvalidDataPool")
    pool = pools.make()
    assert pools.calls.update_data_pool(pool).name == "Measurements"


def test_an_access_key_and_a_token_are_known_and_others_refused(connect, gateway):
    key_id, secret = gateway.access_key()
    assert connect(f"{key_id}:{secret}").data_pools.get_data_pools() == []
    for token in (f"{key_id}:wrong", "wrong"):
        with pytest.raises(RemoteError) as caught:
            connect(token).data_pools.get_data_pools()
        assert caught.value.kinds[0] == "UnauthorizedError"


def test_the_base_url_may_end_in_slashes(connect, gateway):
    base = f"{gateway.address}/platform/{NAMESPACE}//"
    assert connect(base=base).data_pools.get_data_pools() == []
