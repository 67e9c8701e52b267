"""The console's page for operators: what it shows, and to whom."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from serviceexecution.kube.kinds import DEPLOYMENTS, LEASES, SERVICE_DEFINITIONS
from tests.console.harness import Console
from tests.support.served_gateway import ServedGateway
from tests.unit.gateway.service_api.service_cluster import NAMESPACE


def test_an_operator_sees_the_whole_cluster(browser, built, tmp_path):
    now = datetime.now(UTC)
    with (
        ServedGateway(tmp_path, console_directory=str(built), installation="system/sx") as gateway,
        Console(browser, gateway) as console,
    ):
        _installed(console, now)
        for number in range(3):
            console.seed(
                f"run-{number}",
                created=(now - timedelta(hours=number)).isoformat(),
                status={"phase": "Failed", "reason": "ProgramFailed"},
            )
        console.seed("run-8", status={"phase": "Running"})
        console.seed("run-9", created=(now - timedelta(minutes=5)).isoformat(), status={"phase": "Pending"})
        console.sign_in("/cluster")
        page = console.page
        expect(page.get_by_text("1 running, 1 waiting, 5 kept in all")).to_be_visible()
        expect(page.get_by_text("1 waits for a pod to start")).to_be_visible()
        expect(page.get_by_text("Of 2 controllers, 1 is ready.")).to_be_visible()
        expect(page.get_by_role("row", name="Controller that leads controller-1")).to_be_visible()
        expect(page.get_by_role("table", name="Failures by service and reason")).to_contain_text(
            "team-a/sumProgramFailed3"
        )
        expect(page.get_by_role("row", name="team-a/plot r2 building")).to_be_visible()
        expect(page.get_by_role("row", name="submissions 0 32 0")).to_be_visible()
        console.check("console-cluster")
        page.get_by_role("link", name=NAMESPACE, exact=True).click()
        expect(page.get_by_role("heading", level=1, name="Overview")).to_be_visible()


def _installed(console, now):
    def seed(kind, namespace, name, **parts):
        async def seeded():
            console.service.cluster.seed(kind, namespace, name, **parts)

        console.gateway.run(seeded())

    renewed = now.isoformat().replace("+00:00", "Z")
    seed(LEASES, "system", "sx-controller", spec={"holderIdentity": "controller-1", "renewTime": renewed})
    for part, replicas in (("controller", 2), ("gateway", 1)):
        labels = {"app.kubernetes.io/version": "0.1.0"}
        seed(
            DEPLOYMENTS,
            "system",
            f"sx-{part}",
            metadata={"labels": labels},
            spec={"replicas": replicas},
            status={"readyReplicas": 1},
        )
    revision = {"name": "r2", "key": "k", "phase": "Building", "buildTime": renewed}
    seed(
        SERVICE_DEFINITIONS,
        NAMESPACE,
        "plot",
        spec={"runtime": {"python": {}}},
        status={"phase": "Ready", "revision": "r1", "revisions": [revision]},
    )


def test_a_stranger_hears_why_the_cluster_is_not_shown(console):
    console.service.cluster.allowed = lambda question: question["namespace"] == NAMESPACE
    console.page.get_by_role("link", name="Cluster").click()
    alert = console.page.get_by_role("alert")
    expect(alert).to_contain_text("alice may not list serviceexecutions in all namespaces.")
    console.check()
    console.page.get_by_role("link", name="Executions").click()
    expect(console.page.get_by_role("heading", level=1, name="Executions")).to_be_visible()
