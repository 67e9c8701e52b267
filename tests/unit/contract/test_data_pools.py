"""Which properties are data pools."""

import json
from datetime import UTC, datetime

import pytest

from serviceexecution.contract.input.data_pools import (
    DataPoolReference,
    file_properties,
    find_data_pools,
)
from serviceexecution.contract.input.pool_grants import GrantPermission, pool_grant
from serviceexecution.contract.problems import InputError

GRANT = "eyJh.bGci.geheim"


def test_references_are_found_and_get_no_file() -> None:
    files = {
        "data": '{"values": [1]}',
        "pool": json.dumps({"id": "a1b2c3d4-e5f6-7890-1234-567890abcdef", "ref": "DATAPOOL"}),
        "granted": json.dumps({"id": "dp-1", "ref": "DATAPOOL", "grant": GRANT}),
        "lower": ' {"ref": "datapool", "id": "x"}',
        "list": '[{"ref": "DATAPOOL", "id": "x"}]',
        "other": '{"ref": "ELSE", "id": "x"}',
        "number": '{"ref": 1, "n": ' + "9" * 5000 + "}",
        "text": '"DATAPOOL"',
    }
    pools = find_data_pools(files)
    assert pools == {
        "pool": DataPoolReference("pool", "a1b2c3d4-e5f6-7890-1234-567890abcdef"),
        "granted": DataPoolReference("granted", "dp-1"),
        "lower": DataPoolReference("lower", "x"),
    }
    assert GRANT not in repr(pools)
    assert list(file_properties(files, pools)) == ["data", "list", "other", "number", "text"]


@pytest.mark.parametrize("identifier", [None, 1, "", "  ", ["x"], "x" * 254])
def test_an_id_is_needed(identifier) -> None:
    text = json.dumps({"ref": "DATAPOOL", "id": identifier, "grant": GRANT})
    with pytest.raises(InputError) as caught:
        find_data_pools({"pool": text}, field="spec.inputJson")
    assert caught.value.path == 'spec.inputJson["pool"].id'
    assert GRANT not in str(caught.value)


def test_a_grant_to_modify_counts_for_its_own_data_pool() -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    modify, view = (pool_grant("dp-1", one, now) for one in (GrantPermission.MODIFY, GrantPermission.VIEW))
    files = {
        "a": json.dumps({"id": "dp-1", "ref": "DATAPOOL", "grant": modify}),
        "b": json.dumps({"id": "dp-1", "ref": "DATAPOOL", "grant": view}),
        "c": json.dumps({"id": "dp-2", "ref": "DATAPOOL", "grant": modify}),
        "d": json.dumps({"id": "dp-1", "ref": "DATAPOOL", "grant": [modify]}),
        "e": json.dumps({"id": "dp-1", "ref": "DATAPOOL", "grant": "sxg." + "W" * 900}),
    }
    assert [pool.to_modify for pool in find_data_pools(files).values()] == [True, False, False, False, False]


def test_a_missing_id_is_refused() -> None:
    with pytest.raises(InputError, match="needs an"):
        find_data_pools({"pool": '{"ref": "DATAPOOL"}'})


def test_a_colon_cannot_be_mounted() -> None:
    with pytest.raises(InputError, match="':'"):
        find_data_pools({"a:b": '{"ref": "DATAPOOL", "id": "x"}'})
