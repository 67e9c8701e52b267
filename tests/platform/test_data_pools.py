"""``qhub-api`` 3.3.0, unmodified: data pools and their files."""

import pytest

from tests.platform.data_pool_calls import CHECKS, WITH_FILES, Pools, refused
from tests.platform.platform_client import Platform

PACKAGE = "qhub-service"


@pytest.fixture
def pools(sdk, gateway, platform):
    return Pools(sdk, gateway, platform.client)


@pytest.fixture
def sync_pools(sdk, gateway):
    return Pools(sdk, gateway, Platform(sdk, gateway).client)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_data_pools_are_as_the_client_expects(check, pools):
    check(pools)


@pytest.mark.parametrize("check", WITH_FILES, ids=lambda check: check.__name__)
def test_files_are_taken_as_the_client_sends_them(check, sync_pools, tmp_path):
    check(sync_pools, tmp_path)


def test_all_members_are_taken_and_tags_are_kept_in_lower_case(pools):
    pool = pools.calls.create_data_pool(
        name="pool", short_description="short", description="long", tags=["Lab", "A"]
    )
    assert (pool.short_description, pool.description) == ("short", "long")
    assert (pool.tags, pool.current_user_permission) == (["lab", "a"], "OWNER")
    assert pools.calls.update_data_pool(pool.id, name="pool", tags=[]).tags == []


def test_a_bad_token_and_a_missing_right_are_typed(sdk, gateway):
    stranger = Platform(sdk, gateway, token="nobody").client.data_pools  # noqa: S106 - of nobody
    refused("UnauthorizedError", stranger.get_data_pools)
    gateway.service.cluster.allowed = lambda question: question["resource"] != "datapools"
    pools = Platform(sdk, gateway).client.data_pools
    refused("ForbiddenError", pools.get_data_pools)
    refused("ForbiddenError", pools.add_data_pool_file, "p", file=b"1")
