"""``qhub-api`` 3.3.0, unmodified: executions of all services, listed, looked at and cancelled."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.platform.platform_client import UNKNOWN, Platform, refused
from tests.unit.gateway.service_api.service_cluster import NAMESPACE

PACKAGE = "qhub-service"


def test_an_execution_is_shown_as_the_service_api_shows_it(platform):
    name = platform.submit(b'{"$tags": ["a", "b"]}')
    shown = platform.client.service_executions.get_service_execution(name)
    assert (shown.id, shown.status, shown.type, shown.tags) == (name, "PENDING", "MANAGED", ["a", "b"])
    assert shown.service_id == shown.service_definition_id
    assert "content-type" in platform.client.service_executions.head_service_execution(name)


def test_executions_of_an_access_key_name_it(sdk, gateway):
    key_id, secret = gateway.access_key()
    gateway.service.cluster.tokens["key-token", None] = gateway.service.cluster.tokens[
        f"token-of-{NAMESPACE}-access-key-{key_id[7:]}", "services.serviceexecution.dev"
    ]
    platform = Platform(sdk, gateway, token=f"{key_id}:{secret}")
    name = platform.submit(Authorization="Bearer key-token")
    platform.submit()
    executions = platform.client.service_executions
    assert executions.get_service_execution(name).application_id == key_id
    page = executions.get_service_executions(application_id=key_id)
    assert [one.id for one in page.content] == [name]
    assert executions.get_service_executions(application_id="other.kfedcba").content == []


def test_pages_hold_what_the_client_needs(platform):
    for day in range(1, 8):
        platform.execution(f"run-{day}", created=f"2026-11-0{day}T10:00:00Z")
    executions = platform.client.service_executions
    page = executions.get_service_executions(size=3)
    days = [one.created_at[9:10] for one in page.content]
    assert days == ["7", "6", "5"]
    assert (page.page, page.size, page.number, page.number_of_elements) == (0, 3, 0, 3)
    assert (page.total_elements, page.total_pages) == (7, 3)
    assert (page.first, page.last, page.empty) == (True, False, False)
    assert (page.sort[0].property, page.sort[0].direction) == ("createdAt", "DESC")
    last = executions.get_service_executions(size=3, page=2)
    assert ([one.created_at[9:10] for one in last.content], last.last, last.first) == (["1"], True, False)
    beyond = executions.get_service_executions(size=3, page=3)
    assert (beyond.content, beyond.empty, beyond.last, beyond.total_elements) == ([], True, True, 7)


def test_an_empty_list_is_a_page_like_others(platform):
    page = platform.client.service_executions.get_service_executions()
    assert (page.content, page.total_elements, page.total_pages, page.size) == ([], 0, 0, 20)
    assert (page.first, page.last, page.empty) == (True, True, True)


def test_pages_stay_right_while_more_start(platform):
    for number in range(40):
        platform.execution(f"run-{number}", created=f"2026-11-01T10:{number:02}:00Z")
    executions = platform.client.service_executions
    found = []
    for page in range(4):
        shown = executions.get_service_executions(page=page, size=10, sort="createdAt,asc")
        found += [one.id for one in shown.content]
        platform.execution(f"later-{page}", created=f"2026-11-02T10:0{page}:00Z")
    assert len(set(found)) == 40


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("createdAt", "abc"),
        ("createdAt,desc", "cba"),
        ("startedAt,asc", "bca"),
        ("startedAt,desc", "acb"),
        ("endedAt,desc", "acb"),
        ("status", "acb"),
        ("serviceId", None),
        ("applicationId,DESC", None),
    ],
)
def test_each_sort(platform, sort, order):
    platform.execution("run-a", created="2026-11-01T10:00:00Z")
    status = {"phase": "Running", "startTime": "2026-11-03T10:00:00Z"}
    status_b = {
        "phase": "Succeeded",
        "startTime": "2026-11-01T10:00:00Z",
        "completionTime": "2026-11-02T10:00:00Z",
    }
    platform.execution("run-b", created="2026-11-02T10:00:00Z", status=status_b)
    platform.execution(
        "run-c", created="2026-11-03T10:00:00Z", status=status | {"completionTime": "2026-11-04T10:00:00Z"}
    )
    page = platform.client.service_executions.get_service_executions(sort=sort)
    starts = {"2026-11-01": "a", "2026-11-02": "b", "2026-11-03": "c"}
    found = "".join(starts[one.created_at[:10]] for one in page.content)
    assert sorted(found) == ["a", "b", "c"]
    assert order in {None, found}


def test_each_filter_and_all_together(platform):
    other = platform.define("other")
    platform.execution("old", created="2026-10-01T10:00:00Z", spec={"tags": ["Nightly", "x"]})
    platform.execution("new", created="2026-11-10T10:00:00Z", spec={"tags": ["y"]})
    platform.execution("else", service="other", created="2026-11-20T10:00:00Z", spec={"tags": ["x", "y"]})
    everything = platform.client.service_executions.get_service_executions().content
    ids = {one.created_at[:10]: one.id for one in everything}
    old, new, elsewhere = ids["2026-10-01"], ids["2026-11-10"], ids["2026-11-20"]

    def found(**filters):
        return {
            one.id for one in platform.client.service_executions.get_service_executions(**filters).content
        }

    assert found(service_id=other) == {elsewhere}
    assert found(service_id=UNKNOWN) == set()
    assert found(tags="nightly") == {old}
    assert found(tags=["NIGHTLY", "y"]) == {old, new, elsewhere}
    assert found(tags=["z"]) == set()
    assert found(ids=[new, elsewhere.upper()]) == {new, elsewhere}
    assert found(ids=f"{new[:8]}*") == {new}
    assert found(ids=f"*{new[8:]}") == {new}
    assert found(ids=f"{new[:3]}*{new[10:14]}*{new[-3:]}") == {new}
    assert found(ids="*") == {old, new, elsewhere}
    assert found(ids="*-nothing*") == set()
    assert found(service_id=other, tags=["x"], ids=[elsewhere], application_id="nobody") == set()


def test_dates_of_all_zones_count(sync):
    sync.execution("old", created="2026-10-01T10:00:00Z")
    sync.execution("new", created="2026-11-10T10:00:00Z")
    listed = sync.client.service_executions.get_service_executions
    zone = timezone(timedelta(hours=5, minutes=30))
    for moment in (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=zone)):
        assert [one.created_at[:7] for one in listed(created_after=moment).content] == ["2026-11"]
        assert [one.created_at[:7] for one in listed(created_before=moment).content] == ["2026-10"]
    milliseconds = {"additional_query_parameters": {"createdAfter": "1793491200000"}}
    assert [one.created_at[:7] for one in listed(request_options=milliseconds).content] == ["2026-11"]


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ({"page": -1}, "page"),
        ({"size": 0}, "size"),
        ({"size": 1001}, "size"),
        ({"page": 10**30}, "page"),
        ({"sort": "name"}, "sort"),
        ({"sort": "createdAt,up"}, "sort"),
        ({"ids": ["*a*"] * 11}, "ids"),
        ({"tags": ["t"] * 65}, "tags"),
        ({"request_options": {"additional_query_parameters": {"createdAfter": "yesterday"}}}, "createdAfter"),
        ({"request_options": {"additional_query_parameters": {"createdBefore": "9" * 30}}}, "createdBefore"),
    ],
)
def test_a_wrong_parameter_is_a_typed_400_that_names_it(platform, named, path):
    listed = platform.client.service_executions.get_service_executions
    assert refused("BadRequestError", listed, **named)["path"] == path


def test_long_tags_are_shown_and_found(platform):
    tags = [f"{number:02}-{'x' * 200}" for number in range(20)]
    platform.execution("long", spec={"tags": tags})
    listed = platform.client.service_executions.get_service_executions
    assert listed().content[0].tags == tags
    assert len(listed(tags=tags[-1].upper()).content) == 1
    assert listed(tags="absent").content == []


def test_an_execution_is_cancelled_in_each_state(platform):
    cancel = platform.client.service_executions.cancel_service_execution
    pending, ended = platform.submit(), platform.submit()
    cancel(pending)
    assert platform.service.executions()[pending]["spec"]["cancel"] is True
    cancel(pending)
    platform.end(ended)
    cancel(ended)
    assert "cancel" not in platform.service.executions()[ended]["spec"]
