"""A service's page: its builds, going back to an earlier one, its settings."""

import pytest
from playwright.sync_api import expect

from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.resources.reference import revision_reference
from tests.console.harness import LINE
from tests.unit.gateway.service_api.service_cluster import NAMESPACE

FAILED = "main.py has no function run().\n<img src=x onerror=window.hacked=1>"


@pytest.fixture
def plot(console):
    """Return the id of a service that was built three times, whose page is shown."""

    async def define():
        revisions = [
            {"name": "r3", "key": "c", "phase": "Failed", "reason": "BuildFailed", "message": FAILED},
            {"name": "r2", "key": "b", "phase": "Succeeded", "commit": "0123456789abcdef", "attempts": 1},
            {"name": "r1", "key": "a", "phase": "Succeeded", "attempts": 1},
        ]
        body = console.service.cluster.seed(
            SERVICE_DEFINITIONS,
            NAMESPACE,
            "plot",
            spec={"runtime": {"python": {}}, "env": [{"name": "TEXT", "value": "a: <b>"}]},
            status={"phase": "Ready", "revision": "r2", "revisions": revisions},
        )
        uid = body["metadata"]["uid"]
        reference = revision_reference(NAMESPACE, "plot", uid, "r1")
        await console.service.store.logs.of(reference, 1).write(1, f"{LINE}collecting packages\n".encode())
        return uid

    uid = console.gateway.run(define())
    console.go(f"/n/{NAMESPACE}/services/{uid}?tab=build")
    return uid


def test_an_earlier_revision_is_looked_at_and_serves_when_asked(console, plot):
    page = console.page
    expect(page.get_by_text("main.py has no function run().")).to_be_visible()
    expect(page.get_by_role("row", name="r2 serves")).to_contain_text("0123456789ab")
    page.get_by_role("button", name="Log of r1").click()
    expect(page.get_by_text("collecting packages")).to_be_visible()
    assert "revision=r1" in page.url
    console.check("console-builds")
    page.get_by_role("button", name="Serve … r1").click()
    page.get_by_role("button", name="Yes, serve it").click()
    expect(page.get_by_text("r1 serves until another one is chosen")).to_be_visible()
    stored = console.service.cluster.objects["servicedefinitions", NAMESPACE, "plot"]
    assert stored["spec"]["revision"] == "r1"
    page.get_by_role("button", name="Serve the newest").click()
    page.get_by_role("button", name="Yes, serve it").click()
    expect(page.get_by_text("r1 serves until another one is chosen")).to_have_count(0)
    assert "revision" not in stored["spec"]
    assert page.evaluate("window.hacked") is None


def test_a_build_is_shown_as_soon_as_the_service_tells_of_it(console, plot):
    """Without events the page asks for its builds every half minute."""
    page = console.page
    expect(page.get_by_role("row", name="r2 serves")).to_be_visible()

    async def build():
        stored = console.service.cluster.objects["servicedefinitions", NAMESPACE, "plot"]["status"]
        built = {"name": "r4", "key": "d", "phase": "Succeeded", "attempts": 1}
        status = {"revision": "r4", "revisions": [built, *stored["revisions"]]}
        patch = {"status": status}
        await console.service.cluster.patch(
            SERVICE_DEFINITIONS, NAMESPACE, "plot", patch, subresource="status"
        )

    console.gateway.run(build())
    expect(page.get_by_role("row", name="r4 serves")).to_be_visible(timeout=9000)
    expect(page.get_by_text("Revision r4", exact=True)).to_be_visible(timeout=9000)


def test_settings_are_shown_as_yaml_to_those_who_may_change_them(console, plot):
    page = console.page
    page.get_by_role("tab", name="Settings").click()
    settings = page.get_by_role("group", name="Settings as YAML")
    expect(settings).to_contain_text("kind: ServiceDefinition")
    expect(settings).to_contain_text("value: 'a: <b>'")
    console.check()
    console.service.cluster.allowed = lambda question: question["verb"] != "patch"
    console.go(f"/n/{NAMESPACE}/services/{plot}?tab=run")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()


def test_access_keys_are_made_with_a_command_and_listed_once_they_have_run_something(console):
    page = console.page
    key = f"{NAMESPACE}.k0123456789abcdef"
    account = f"system:serviceaccount:{NAMESPACE}:access-key-k0123456789abcdef"
    console.seed("by-key", annotations={"serviceexecution.dev/submitted-by": account})
    page.get_by_role("link", name="Access keys").click()
    expect(page.get_by_text(f"sx access-key create -n {NAMESPACE}")).to_be_visible()
    expect(page.get_by_text(f"sx access-key revoke {key}")).to_be_visible()
    console.check()
