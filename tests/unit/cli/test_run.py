"""``sx run`` and what reads executions, against a cluster in memory."""

import io
import json
import sys
import threading

import pytest

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.run.body import read_data, read_secrets, request_body
from serviceexecution.cli.run.execute import view_of_status
from tests.unit.cli.endings import ends

ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def service(cluster):
    cluster.definition("plot")
    cluster.after_submit = ends("Succeeded", "The program ended with exit code 0.")
    cluster.logs[ID] = ["adding 3 values"]
    cluster.files = {"output.json": '{"sum": 6.0,\n "big": 12345678901234567890}\n', "plots/a.png": "png"}
    return cluster


def test_stdout_is_the_result_alone_as_the_program_wrote_it(service, sx):
    code, out, err = sx("run", "plot", "-d", '{"data": {"values": [1.0, 2, 3]}}')
    assert code == 0
    assert out == '{"sum": 6.0,\n "big": 12345678901234567890}\n'
    assert err.splitlines() == [
        f"Execution {ID}",
        "adding 3 values",
        "Succeeded: The program ended with exit code 0.",
        f"Output files: plots/a.png. Download them with: sx result {ID} -o DIR",
    ]


def test_the_input_goes_as_it_is_with_secrets_and_tags(service, sx, tmp_path):
    (tmp_path / "input.json").write_text('{"data": {"x": 1.0, "n": 12345678901234567890}}\n')
    (tmp_path / "token").write_text("from-file\n")
    sx("run", "plot", "-d", f"@{tmp_path}/input.json")
    argv = ("--secret", "a=b=c", "--secret", f"t=@{tmp_path}/token", "--tag", "x")
    sx("run", "plot", "-d", f"@{tmp_path}/input.json", *argv)
    first, second = (body.decode() for _, _, _, body in service.requests("POST", "/services/team-a/plot"))
    assert first == '{"data": {"x": 1.0, "n": 12345678901234567890}}\n'
    assert second == (
        '{"data":{"x": 1.0, "n": 12345678901234567890},"$secrets":{"a": "b=c", "t": "from-file"},"$tags":["x"]}'
    )


def test_a_post_can_be_repeated_without_a_second_run(service, sx):
    sx("run", "plot")
    [(_, _, headers, _)] = service.requests("POST", "/services/team-a/plot")
    assert len(headers["Idempotency-Key"]) == 36


def test_detach_prints_the_id(service, sx):
    assert sx("run", "plot", "--detach")[:2] == (0, f"{ID}\n")


def test_quiet_says_nothing_but_the_result(service, sx):
    code, out, err = sx("run", "plot", "-q")
    assert (code, err) == (0, "")
    assert out.startswith('{"sum": 6.0')


def test_a_plain_value_is_a_result_too(service, sx):
    service.files = {"output.txt": '"text"'}
    assert sx("run", "plot")[1] == '"text"\n'
    service.files = {}
    assert sx("run", "plot")[:2] == (0, "")


@pytest.mark.parametrize(
    ("phase", "code", "sentence"),
    [("Failed", 4, "The execution failed: Boom."), ("Cancelled", 5, "The execution was cancelled.")],
)
def test_run_says_how_the_execution_ended(service, sx, phase, code, sentence):
    service.after_submit = ends(phase, "Boom." if phase == "Failed" else "")
    ended, out, err = sx("run", "plot")
    assert (ended, out) == (code, "")
    assert err.endswith(f"sx: {sentence}\n")


def test_a_failure_is_told_by_the_programs_own_problem(service, sx):
    def fails(execution):
        ends("Failed", "The program ended with exit code 1.")(execution)
        service.problem = (500, "", "values: must not be empty")

    service.after_submit = fails
    assert "sx: The execution failed: values: must not be empty\n" in sx("run", "plot")[2]


def test_a_timeout_leaves_the_execution_alone(service, sx):
    service.after_submit = lambda _: None
    code, _, err = sx("run", "plot", "--timeout", "50ms")
    assert code == 124
    assert f"sx cancel {ID}" in err
    assert not service.requests("PATCH")


def test_a_service_whose_build_failed_is_3(service, sx):
    service.definition("plot", status={"phase": "Failed", "revisions": [{"name": "r1", "phase": "Failed"}]})
    service.problem = (503, "ServiceNotReady", "The service cannot run at the moment.")
    code, _, err = sx("run", "plot")
    assert code == 3
    assert err == "sx: The service cannot run at the moment.\n"
    assert len(service.requests("POST", "/services/")) == 1


def test_a_refused_input_is_1_with_the_services_sentence(service, sx):
    service.problem = (422, "InputInvalid", 'The input does not fit: $["data"]')
    assert sx("run", "plot") == (1, "", 'sx: The input does not fit: $["data"]\n')


def test_who_may_not_read_executions_of_the_cluster_asks_the_service(service, sx):
    service.refused = {("GET", "/serviceexecutions/")}
    service.status = "SUCCEEDED"
    assert sx("run", "plot")[0] == 0


def test_the_status_of_the_service_api_is_an_execution_too():
    view = view_of_status(
        {"id": "x", "status": "RUNNING", "startedAt": "2026-01-01 00:00:00"}, "plot", "team-a"
    )
    assert (view.phase, view.service, view.is_over) == ("Running", "plot", False)
    assert view.started is not None


def test_a_refused_token_is_asked_for_once_more(service, sx):
    service.gateway_tokens = {"another"}
    code, _, err = sx("run", "plot")
    assert code == 1
    assert err == "sx: The token is not valid.\n"
    assert (
        len(service.requests("POST", "/services/team-a/plot")) == len(service.requests("POST", "/token")) == 2
    )


class TestReading:
    def test_status_of_all_and_of_one(self, cluster, sx):
        cluster.execution("a", spec={"serviceRef": {"name": "plot"}}, status={"phase": "Running"})
        cluster.execution("b", status={"phase": "Failed", "reason": "ExitCode", "message": "Exit code 1."})
        code, out, _ = sx("status")
        assert code == 0
        assert [line.split() for line in out.splitlines()] == [
            ["ID", "SERVICE", "REVISION", "PHASE", "REASON", "DURATION", "AGE"],
            ["b", "Failed", "ExitCode"],
            ["a", "plot", "Running"],
        ]
        assert "message:   Exit code 1." in sx("status", "b")[1]
        assert json.loads(sx("status", "b", "-o", "json")[1])["reason"] == "ExitCode"
        assert [one["id"] for one in json.loads(sx("status", "--service", "plot", "-o", "json")[1])] == ["a"]

    def test_an_execution_is_found_by_the_id_of_the_service_api(self, cluster, sx):
        cluster.execution("mine", spec={"serviceRef": {"name": "plot"}})
        cluster.logs["uid-mine"] = ["hello"]
        assert sx("logs", "uid-mine")[:2] == (0, "hello\n")
        assert sx("logs", "mine", "-f")[:2] == (0, "hello\n")
        assert sx("logs", "nobody")[2] == (
            "sx: There is no execution nobody in namespace team-a; see them with: sx status\n"
        )

    def test_an_execution_without_a_service(self, cluster, sx, tmp_path):
        ends("Succeeded")(cluster.execution("plain"))
        cluster.logs["plain"] = ["one", "two"]
        cluster.files = {"output.json": "[1]", "a b.txt": "x"}
        assert sx("logs", "plain")[1] == "one\ntwo\n"
        assert sx("logs", "plain", "-f")[1] == "one\ntwo\n"
        assert sx("result", "plain")[1] == "[1]\n"
        cluster.files = {"output.json": "[1]"}
        assert sx("result", "plain", "-o", tmp_path / "out")[0] == 0
        assert (tmp_path / "out" / "output.json").read_text() == "[1]"

    def test_a_failed_execution_has_no_result_but_its_files(self, service, sx, tmp_path):
        ends("Failed")(service.execution("x", spec={"serviceRef": {"name": "plot"}}))
        service.problem = (500, "", "It went wrong.")
        assert sx("result", "x") == (4, "", "sx: The execution failed: It went wrong.\n")
        code, out, _ = sx("result", "x", "-o", tmp_path / "out")
        assert code == 4
        assert out.splitlines()[0].startswith(f"{tmp_path}/out/output.json  ")

    def test_result_waits_for_the_end(self, service, sx):
        running = service.execution("x", spec={"serviceRef": {"name": "plot"}}, status={"phase": "Running"})
        assert sx("result", "x", "--no-wait")[2] == "sx: The execution has not ended yet: it is Running.\n"
        threading.Timer(0.2, ends("Succeeded"), [running]).start()
        assert sx("result", "x")[1].startswith('{"sum": 6.0')

    def test_success_without_a_main_result(self, service, sx):
        ends("Succeeded")(service.execution("x", spec={"serviceRef": {"name": "plot"}}))
        service.files = {}
        code, _, err = sx("result", "x")
        assert code == 1
        assert "without a main result" in err

    def test_cancel_leaves_what_has_ended_as_it_is(self, cluster, sx):
        cluster.execution("a", status={"phase": "Running"})
        ended = cluster.execution("b", status={"phase": "Succeeded"})
        assert sx("cancel", "a")[1] == "a is being cancelled.\n"
        assert cluster.objects[next(p for p in cluster.objects if p.endswith("/a"))]["spec"]["cancel"] is True
        assert sx("cancel", "b")[1] == "b has ended already: Succeeded.\n"
        assert ended["spec"] == {}

    def test_services_lists_urls_and_revisions(self, cluster, sx):
        cluster.definition("plot", status={"phase": "Ready", "revision": "r2"})
        out = sx("services")[1].splitlines()
        assert out[1].split() == ["plot", "Ready", "r2", "https://services.example.com/services/team-a/plot"]
        assert json.loads(sx("services", "-o", "json")[1])[0]["revision"] == "r2"


class TestByUrl:
    def test_logs_and_result_need_no_kubeconfig(self, service, sx, monkeypatch, tmp_path):
        monkeypatch.setenv("KUBECONFIG", "/nowhere")
        monkeypatch.setenv("SERVICE_API_TOKEN", "t")
        url = "/".join((service.url, "api/v1/namespaces/sx-system/services/http:sx-gateway:http/proxy"))
        monkeypatch.setenv("SERVICE_URL", f"{url}/services/team-a/plot")
        service.status = "SUCCEEDED"
        assert sx("logs", ID)[1] == "adding 3 values\n"
        assert sx("result", ID)[1].startswith('{"sum": 6.0')
        headers = service.seen[0][2]
        assert headers["Authorization"] == "Bearer t"

    def test_what_is_missing_is_named(self, sx, monkeypatch):
        monkeypatch.delenv("SERVICE_API_TOKEN", raising=False)
        assert "SERVICE_API_TOKEN" in sx("logs", "x", "--url", "https://x/services/a/b")[2]
        assert "--url must be" in sx("logs", "x", "--url", "x")[2]


class TestBody:
    @pytest.mark.parametrize("text", ["[]", "{", "", '{"a": NaN}'])
    def test_data_that_is_no_object_is_refused(self, text):
        with pytest.raises(CommandError, match="must be one JSON object"):
            request_body(text, {}, ())

    def test_secrets_and_tags_join_those_of_the_input(self):
        body = request_body('{"$secrets": {"a": "1", "b": "2"}, "$tags": ["x"]}', {"b": "3"}, ["y"])
        assert json.loads(body) == {"$secrets": {"a": "1", "b": "3"}, "$tags": ["x", "y"]}

    @pytest.mark.parametrize("text", ['{"$secrets": 1}', '{"$tags": {}}'])
    def test_secrets_and_tags_of_another_kind(self, text):
        with pytest.raises(CommandError):
            request_body(text, {"a": "b"}, ["c"])

    def test_data_is_read_from_standard_input(self, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"a": "\xc3\xbc"}')))
        assert read_data("-") == '{"a": "ü"}'

    def test_no_data_is_an_empty_object(self):
        assert read_data("") == "{}"

    def test_a_missing_file_is_named(self):
        with pytest.raises(CommandError, match=r"/nowhere/x.json cannot be read"):
            read_data("@/nowhere/x.json")

    def test_no_message_holds_a_secret(self, tmp_path):
        with pytest.raises(CommandError) as found:
            read_secrets(["just-the-value"])
        assert "just-the-value" not in str(found.value)
        with pytest.raises(CommandError, match="--secret a: the file cannot be read"):
            read_secrets(["a=@/nowhere"])
