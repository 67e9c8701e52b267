"""``sx doctor`` on a good set-up and on broken ones, with the sentence of each."""

import json

import pytest

from tests.unit.cli.fake_cluster import PROXY


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "plot"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "program.py").write_text("def run(data: dict) -> dict:\n    return data\n")
    return folder


@pytest.fixture
def healthy(cluster):
    """A cluster in which all is well, with the gateway's answers of the doctor's two questions."""
    cluster.answers = {
        f"{PROXY}/readyz": (200, {"status": "ok"}),
        f"{PROXY}/services/team-a/sx-doctor": (
            404,
            {"detail": "There is no service.", "code": "ServiceNotFound"},
        ),
    }
    return cluster


def found(sx, project, *options):
    """Return state and sentences by check."""
    code, out, _ = sx("doctor", project, "-o", "json", *options)
    return code, {one["check"]: (one["state"], one["message"], one.get("fix", "")) for one in json.loads(out)}


def test_all_is_well(healthy, sx, project):
    code, out, _ = sx("doctor", project)
    assert code == 0, out
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["ok", name]
        for name in ("project", "cluster", "rights", "gateway", "account", "registry", "quota", "queue")
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"sx.yaml": "spce: {}\n"}, ("sx.yaml: spce is not one of", "Correct")),
        ({"Dockerfile": "FROM x\n"}, ("choose one with --runtime", "Correct")),
        ({"planqk.json": "{"}, ("planqk.json is no JSON", "Correct")),
        ({"src/program.py": "def run(:\n"}, ("program.py:1 is no Python", "Correct the line.")),
        ({"src/program.py": "def main(): ...\n"}, ("program.py has no function run().", "Define it")),
        (
            {"sx.yaml": "spec: {runtime: {python: {entryPoint: 'user_code.src.other:run'}}}\n"},
            ("leads to no file of the project", "Correct spec.runtime.python.entryPoint"),
        ),
    ],
)
def test_a_broken_project(healthy, sx, project, files, said):
    for name, text in files.items():
        (project / name).write_text(text)
    code, checks = found(sx, project)
    assert code == 1
    assert checks["project"][0] == "wrong"
    assert said[0] in checks["project"][1]
    assert said[1] in checks["project"][2]
    assert checks["queue"][0] == "ok"


def test_the_platforms_files_count_as_for_sx_deploy(healthy, sx, project):
    (project / "Dockerfile").write_text("FROM x\n")
    (project / "planqk.json").write_text('{"name": "My Service", "runtime": "PYTHON_TEMPLATE"}')
    assert found(sx, project)[1]["project"] == ("ok", "my-service, a python project.", "")


def test_no_kubeconfig(healthy, sx, project, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    code, checks = found(sx, project)
    assert (code, checks["cluster"][0]) == (1, "wrong")
    assert "kubectl config get-contexts" in checks["cluster"][2]


def test_a_context_that_is_not_there(healthy, sx, project):
    assert "nobody" in found(sx, project, "--context", "nobody")[1]["cluster"][1]


def test_a_cluster_that_is_away(healthy, sx, project, tmp_path, monkeypatch):
    healthy.url = "http://127.0.0.1:9"
    monkeypatch.setenv("KUBECONFIG", str(healthy.kubeconfig(tmp_path / "away")))
    assert "The cluster cannot be reached at http://127.0.0.1:9: " in found(sx, project)[1]["cluster"][1]


def test_a_gateway_that_is_named_wrongly(healthy, sx, project):
    checks = found(sx, project, "--gateway", "gateway")[1]
    assert checks["gateway"][:2] == (
        "wrong",
        "--gateway or SX_GATEWAY must be NAMESPACE/SERVICE[:PORT], not 'gateway'.",
    )
    assert "cluster" not in checks


def test_credentials_that_are_refused(healthy, sx, project):
    healthy.unauthorized = True
    assert "does not accept the credentials" in found(sx, project)[1]["cluster"][1]


def test_nothing_is_installed(healthy, sx, project):
    healthy.unknown_kinds = True
    code, checks = found(sx, project)
    assert code == 1
    assert "ServiceExecution is not installed" in checks["cluster"][1]
    assert list(checks) == ["project", "cluster"]


def test_rights_that_are_missing(healthy, sx, project):
    healthy.rights = [True, True, False, True, True]
    state, message, fix = found(sx, project)[1]["rights"]
    assert (state, message) == (
        "wrong",
        "You may not deploy in namespace team-a: patch servicedefinitions.serviceexecution.dev.",
    )
    assert "--clusterrole=edit" in fix


def test_no_gateway(healthy, sx, project):
    checks = found(sx, project, "--gateway", "here/nothing")[1]
    assert checks["gateway"][1].startswith("There is no gateway here/nothing in this cluster.")
    assert "account" not in checks


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            (503, {"kind": "Status", "message": "no endpoints available"}),
            ("no endpoints available", "get pods"),
        ),
        ((503, {"detail": "The store cannot be read."}), ("The store cannot be read.", "get pods")),
        ((403, {"kind": "Status", "message": "services is forbidden"}), ("is forbidden", "gateway-proxy")),
    ],
)
def test_a_gateway_that_is_not_ready(healthy, sx, project, answer, words):
    healthy.answers[f"{PROXY}/readyz"] = answer
    state, said, what = found(sx, project)[1]["gateway"]
    assert state == "wrong"
    assert words[0] in said
    assert words[1] in what


def test_an_account_without_its_role(healthy, sx, project):
    refused = (403, {"detail": "You may not get services.", "code": "Forbidden"})
    healthy.answers[f"{PROXY}/services/team-a/sx-doctor"] = refused
    state, message, _ = found(sx, project)[1]["account"]
    assert state == "wrong"
    assert "You may not get services" in message


def test_a_registry_that_refuses(healthy, sx, project):
    revision = {
        "name": "r2",
        "phase": "Failed",
        "reason": "RegistryRefused",
        "message": "It asks for a login.",
    }
    healthy.definition("plot", status={"revisions": [revision]})
    state, message, fix = found(sx, project)[1]["registry"]
    assert (state, message) == ("wrong", "The newest build of plot, r2, has failed: It asks for a login.")
    assert "builds.registry" in fix


def test_a_quota_without_room(healthy, sx, project):
    status = {"hard": {"pods": "10", "requests.cpu": "4"}, "used": {"pods": "10", "requests.cpu": "3500m"}}
    healthy.objects["/api/v1/namespaces/team-a/resourcequotas/q"] = {
        "metadata": {"name": "q", "namespace": "team-a"},
        "status": status,
    }
    code, checks = found(sx, project)
    assert (code, checks["quota"][:2]) == (0, ("warn", "The quota q has no room for more pods: 10 of 10."))


def test_what_waits_for_long(healthy, sx, project):
    found_execution = healthy.execution("old", status={"phase": "Pending", "message": "No node has room."})
    found_execution["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    state, message, fix = found(sx, project)[1]["queue"]
    assert (state, fix) == ("warn", "sx watch old")
    assert message == "1 executions have waited for more than 10 minutes. old: No node has room."
