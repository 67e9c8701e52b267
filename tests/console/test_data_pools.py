"""Data pools in the console: made, filled, looked at, chosen for a run, deleted."""

import pytest
from playwright.sync_api import expect

from tests.unit.gateway.service_api.service_cluster import NAMESPACE

NAME = "Lab <b>#1</b> ü"
POOLS = f"/n/{NAMESPACE}/pools"
ODD = "a #1 %41 ü\u202e<img src=x onerror=window.hacked=1>.csv"
DROP = """([zone, names]) => {
  const dropped = new DataTransfer();
  for (const name of names) dropped.items.add(new File(["t,x\\n0,1\\n1,4\\n"], name, {type: "text/csv"}));
  zone.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: dropped}));
}"""
SCHEMA = {
    "type": "object",
    "properties": {
        "readings": {
            "type": "object",
            "title": "Readings",
            "required": ["id", "ref"],
            "properties": {
                "id": {"type": "string"},
                "ref": {"type": "string", "pattern": "^[dD][aA][tT][aA][pP][oO][oO][lL]$"},
            },
        },
        "n": {"type": "integer"},
    },
}


@pytest.fixture
def pool(console):
    """Return the id of a data pool, whose page is shown."""

    async def make():
        answer = await console.service.http.post(f"/platform/{NAMESPACE}/datapools", json={"name": NAME})
        return answer.json()["id"]

    found = console.gateway.run(make())
    console.go(f"{POOLS}/{found}")
    expect(console.page.get_by_role("heading", name=NAME)).to_be_visible()
    return found


def drop(console, *names):
    zone = console.page.get_by_role("region", name="Upload").element_handle()
    console.page.evaluate(DROP, [zone, names])


def stored(console, pool):
    """Return the names of the files in the pool."""

    async def names():
        answer = await console.service.http.get(f"/platform/{NAMESPACE}/datapools/{pool}/files")
        return [one["name"] for one in answer.json()]

    return console.gateway.run(names())


def test_a_pool_is_made_filled_by_dropping_and_deleted_with_its_files(console):
    page = console.page
    console.go(POOLS)
    expect(page.get_by_text("There are no data pools in this namespace.")).to_be_visible()
    page.get_by_role("button", name="New data pool …").click()
    page.get_by_role("textbox", name="Name", exact=True).fill(NAME)
    page.get_by_label("Tags").fill("lab, b")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    pool = page.url.rpartition("/")[2]
    drop(console, ODD, "b.csv")
    expect(page.get_by_role("list", name="Uploads").get_by_text("has arrived")).to_have_count(2)
    assert stored(console, pool) == sorted([ODD, "b.csv"])
    files = page.get_by_role("list", name="Files")
    files.get_by_role("button", name=ODD, exact=True).click()
    expect(page.get_by_role("columnheader", name="t")).to_be_visible()
    assert "file=" in page.url
    with page.expect_download() as started:
        page.get_by_role("button", name=f"Download {ODD}").click()
    assert started.value.path().read_text() == "t,x\n0,1\n1,4\n"
    console.check()
    drop(console, "b.csv")
    expect(page.get_by_text("was there already")).to_be_visible()
    page.get_by_role("button", name="Delete b.csv").click()
    page.get_by_role("button", name="Yes, delete").click()
    expect(files.get_by_role("listitem")).to_have_count(1)
    assert stored(console, pool) == [ODD]
    assert page.evaluate("window.hacked") is None
    page.get_by_role("button", name="Delete the data pool").click()
    page.get_by_role("button", name="Yes, delete").click()
    expect(page.get_by_text("There are no data pools in this namespace.")).to_be_visible()
    assert console.complaints == []


def test_a_broken_upload_is_taken_up_again_and_a_refusal_says_why(console, pool):
    page = console.page
    broken: list[str] = []

    def once(route):
        if broken:
            route.continue_()
        else:
            broken.append(route.request.url)
            route.abort("connectionreset")

    page.route("**/files?filename=*", once)
    drop(console, "a.csv")
    uploads = page.get_by_role("list", name="Uploads")
    expect(uploads.get_by_text("has arrived")).to_be_visible()
    assert len(broken) == 1
    drop(console, "x" * 256)
    expect(uploads.get_by_role("alert")).to_contain_text("A file's name may have 255 bytes")
    assert stored(console, pool) == ["a.csv"]


def test_a_form_offers_the_data_pools(console, pool):
    async def define():
        return console.service.cluster.define("reads", inputSchema=SCHEMA)["metadata"]["uid"]

    console.go(f"/n/{NAMESPACE}/services/{console.gateway.run(define())}")
    console.page.get_by_role("combobox", name="Readings").click()
    console.page.get_by_role("option", name=NAME).click()
    with console.page.expect_request("**/services/*/reads") as sent:
        console.page.get_by_role("button", name="Run", exact=True).click()
    assert sent.value.post_data_json == {"readings": {"id": pool, "ref": "DATAPOOL"}}
