"""Each page: what it shows, that it can be used by everybody, on a desk and on a phone, in light and dark."""

import json
import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.console.harness import Console
from tests.unit.gateway.service_api.service_cluster import NAMESPACE

LIST = f"/n/{NAMESPACE}/executions"


def test_every_page_is_usable_in_each_look(browser, gateway):
    with Console(browser, gateway) as console:
        console.open()
        expect(console.page.get_by_role("heading", name="Sign in")).to_be_visible()
        console.check()
        name = console.submit({"data": {"values": [1, 2]}, "$tags": ["nightly"]})
        console.log(name, "counting", "done")
        files = {"output.json": b'{"sum": 3, "parts": [1, 2]}', "a.csv": b"t,x\n0,1\n1,4\n2,9\n"}
        console.end(name, files, usage={"cpuSeconds": 3.5, "memoryPeakBytes": 3 << 20, "complete": True})
        console.used(name, (0.5, 1 << 20), (2, 3 << 20), (3.5, 2 << 20))
        console.seed("run-2", status={"phase": "Pending", "message": "It waits for room in the cluster."})
        console.sign_in()
        expect(console.page.get_by_text("It waits for room in the cluster.")).to_be_visible()
        console.check("console-executions")
        console.page.get_by_role("link", name=name).click()
        expect(console.page.get_by_role("heading", level=1)).to_have_text(
            "The program ended with exit code 0."
        )
        expect(console.page.get_by_text("sum:")).to_be_visible()
        console.check()
        console.page.get_by_role("tab", name="Files").click()
        console.page.get_by_role("button", name="a.csv", exact=True).click()
        expect(console.page.get_by_role("img", name="x by t")).to_be_visible()
        console.check("console-execution")
        console.page.get_by_role("tab", name="Log").click()
        expect(console.page.get_by_text("counting")).to_be_visible()
        console.check()
        console.page.get_by_role("tab", name="Receipt and usage").click()
        expect(console.page.get_by_role("img", name="Memory over time")).to_be_visible()
        expect(console.page.get_by_role("row", name="CPU time 3.5 s")).to_be_visible()
        console.check()
        console.go(f"/n/{NAMESPACE}/services")
        console.page.get_by_role("link", name="sum", exact=True).click()
        expect(console.page.get_by_role("heading", level=1, name="sum")).to_be_visible()
        console.check()
        console.page.get_by_role("tab", name="Usage").click()
        expect(console.page.get_by_role("img", name="CPU hours by month")).to_be_visible()
        expect(console.page.get_by_role("row", name="2026-11 1 0")).to_be_visible()
        console.check()


def test_an_overview_says_what_waits_what_fails_and_what_was_used(console):
    now = datetime.now(UTC)
    for number in range(3):
        console.seed(
            f"run-{number}",
            created=(now - timedelta(hours=number)).isoformat(),
            status={"phase": "Failed", "reason": "ProgramFailed", "message": "It ended with exit code 3."},
        )
    console.seed("run-9", status={"phase": "Running"})
    waiting = console.submit()
    ended = console.submit()
    console.end(ended)
    console.used(ended, (7.2, 1 << 20))
    page = console.page
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("link", name="1 running")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=waiting)).to_be_visible()
    failing = page.get_by_role("row", name="sum · ProgramFailed")
    expect(failing).to_contain_text("It ended with exit code 3.")
    expect(failing.get_by_role("cell").last).to_have_text("3")
    expect(page.get_by_text("3 created in the last 7 days failed.")).to_be_visible()
    expect(page.get_by_role("heading", name=f"Used in {now:%Y-%m}")).to_be_visible()
    console.check("console-overview")
    page.get_by_role("link", name="1 waiting").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_receipt_is_downloaded_whole(console):
    name = console.submit()
    console.end(name, exitCode=0)
    console.go(f"{LIST}/{name}?tab=receipt")
    with console.page.expect_download() as started:
        console.page.get_by_role("button", name="Download the receipt").click()
    assert started.value.suggested_filename == f"{name}.receipt.json"
    receipt = json.loads(started.value.path().read_text())
    assert (receipt["id"], receipt["final"], receipt["exitCode"]) == (name, True, 0)


def test_a_list_is_filtered_by_its_address_and_follows_what_happens(console):
    console.seed("run-1", status={"phase": "Running"}, spec={"tags": ["a"]})
    console.seed("run-2", status={"phase": "Failed", "message": "The program ended with exit code 3."})
    rows = console.page.locator("tbody tr")
    expect(rows).to_have_count(2)
    console.go(f"{LIST}?status=FAILED")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("exit code 3")
    console.go(f"{LIST}?text=run")
    expect(rows).to_have_count(2)
    console.page.get_by_label("Tag", exact=True).fill("A")
    expect(rows).to_have_count(1)
    assert "tag=A" in console.page.url
    console.go(LIST)
    console.seed("run-3", created="2026-11-28T12:00:00Z")
    expect(rows).to_have_count(3)
    console.go(f"{LIST}?text=nothing-like-this")
    expect(console.page.get_by_text("No execution fits these filters.")).to_be_visible()


def test_pages_follow_events_and_ask_again_where_there_are_none(console):
    page, (first, second) = console.page, [console.submit() for _ in range(2)]
    console.go(f"/n/{NAMESPACE}/services")
    expect(page.get_by_role("heading", name="Services")).to_be_visible()
    with page.expect_response("**/service-executions/events") as opened:
        console.go(LIST)
    row = page.get_by_role("row").filter(has_text=first)
    expect(row).to_contain_text("pending")
    page.route(re.compile(r"/service-executions(\?|/[^/]+$)"), lambda route: route.abort())
    console.end(first)
    expect(row).to_contain_text("exit code 0")
    page.unroute_all()
    with page.expect_response(f"**/service-executions/{second}/events"):
        console.go(f"{LIST}/{second}")
    assert opened.value.request.failure is not None  # It was closed when its page was left
    page.route(re.compile(f"/service-executions/{second}$"), lambda route: route.abort())
    console.end(second)
    expect(page.get_by_role("heading", level=1)).to_have_text("The program ended with exit code 0.")
    page.unroute_all()
    page.route("**/events", lambda route: route.fulfill(status=503, json={"detail": "Too many streams."}))
    console.go(LIST)
    expect(row).to_contain_text("exit code 0")
    console.seed("run-9", status={"phase": "Running", "message": "It runs at last."})
    expect(page.get_by_text("It runs at last.")).to_be_visible()


def test_several_are_cancelled_at_once(console):
    names = [console.submit() for _ in range(2)]
    console.page.get_by_label("Choose all of this page").check()
    console.page.get_by_role("button", name="Cancel 2 that have not ended").click()
    console.page.get_by_role("button", name="Yes, cancel").click()
    expect(console.page.get_by_text("chosen")).to_have_count(0)
    executions = console.service.executions()
    assert all(executions[name]["spec"]["cancel"] is True for name in names)


def test_several_are_deleted_at_once_and_what_runs_stays(console):
    page, (first, second, running) = console.page, [console.submit() for _ in range(3)]
    for name in (first, second):
        console.end(name)
    rows = page.locator("tbody tr")
    expect(rows.filter(has_text="exit code 0")).to_have_count(2)
    page.get_by_label("Choose all of this page").check()
    asks = page.get_by_role("button", name="Delete 2 that have ended")
    asks.focus()
    asks.press("Enter")
    loss = page.get_by_role("group", name="Delete 2 that have ended? Their logs, results")
    expect(loss.get_by_role("button", name="Yes, delete")).to_be_focused()
    console.check()
    page.keyboard.press("Escape")
    expect(asks).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(page.get_by_text("1 chosen")).to_be_visible()
    assert set(console.service.executions()) == {running}


def test_a_refused_deletion_says_why_and_keeps_what_is_left_chosen(console):
    first, second = (console.submit() for _ in range(2))
    for name in (first, second):
        console.end(name)
    page = console.page
    page.route(
        f"**/executions/{first}",
        lambda route: route.fulfill(status=403, json={"detail": f"Use sx delete {first}."}),
    )
    expect(page.locator("tbody tr").filter(has_text="exit code 0")).to_have_count(2)
    page.get_by_label("Choose all of this page").check()
    page.get_by_role("button", name="Delete 2 that have ended").click()
    page.get_by_role("button", name="Yes, delete").click()
    expect(page.get_by_role("alert")).to_contain_text(f"Use sx delete {first}.")
    expect(page.get_by_label(f"Choose {first}")).to_be_checked()
    assert first in console.service.executions()


def test_one_is_deleted_from_its_page(console):
    name, stays = console.submit(), console.submit()
    page = console.page
    console.go(f"{LIST}/{name}")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("button", name="Delete this execution")).to_have_count(0)
    console.end(name)
    page.get_by_role("button", name="Delete this execution").click()
    expect(page.get_by_role("group", name="Its log, result, files, input and receipt")).to_be_visible()
    console.check()
    page.get_by_role("button", name="Yes, delete").click()
    expect(page.get_by_role("heading", name="Executions")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert set(console.service.executions()) == {stays}


def test_an_error_shows_the_sentence_of_the_api(console):
    console.go(f"{LIST}/00000000-0000-4000-8000-000000000000")
    alert = console.page.get_by_role("alert")
    expect(alert).to_contain_text("no execution 00000000")
    expect(alert).to_contain_text("404")


def test_a_wrong_token_is_refused_and_asked_for_again(browser, gateway):
    with Console(browser, gateway) as console:
        console.sign_in(credential="nobody")
        expect(console.page.get_by_role("alert").first).to_contain_text("The token is not valid.")
        console.page.get_by_role("button", name="Sign in again").first.click()
        expect(console.page.get_by_label("Access key or token")).to_be_visible()


def test_an_access_key_signs_in_to_its_namespace_and_is_kept_nowhere(browser, gateway):
    key, secret = gateway.access_key()
    with Console(browser, gateway) as console:
        console.sign_in("/", f"{key}:{secret}")
        console.page.wait_for_url(re.compile(f"#{LIST}$"))
        expect(console.page.get_by_role("heading", name="Executions")).to_be_visible()
        kept = console.page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        )
        assert secret not in kept
        assert key not in kept
        console.page.reload()
        expect(console.page.get_by_label("Access key or token")).to_be_visible()


def test_a_run_is_made_again_with_a_changed_input(console):
    name = console.submit({"data": {"values": [1]}, "$tags": ["a"]})
    console.end(name)
    console.go(f"{LIST}/{name}")
    console.page.get_by_role("button", name="Run again …").click()
    console.page.get_by_label("Members of the input to change").fill('{"data": {"values": [7]}}')
    console.page.get_by_role("button", name="Run again", exact=True).click()
    expect(console.page.get_by_role("heading", level=1)).to_have_text("It waits to be started.")
    again = console.page.url.rpartition("/")[2].partition("?")[0]
    assert again != name
    inputs = console.service.cluster.objects["configmaps", NAMESPACE, again]["data"]
    assert [json.loads(text) for text in inputs.values()] == [{"values": [7]}]


def test_all_of_a_page_is_reached_by_keyboard(console):
    name = console.submit()
    expect(console.page.get_by_role("link", name=name)).to_be_visible()
    console.page.locator("body").press("Tab")
    reached = []
    for _ in range(25):
        reached.append(
            console.page.evaluate("document.activeElement.textContent + document.activeElement.ariaLabel")
        )
        console.page.keyboard.press("Tab")
    assert any(name in text for text in reached), reached
    console.page.get_by_role("link", name=name).focus()
    console.page.keyboard.press("Enter")
    expect(console.page.get_by_role("tab", name="Log")).to_be_visible()
