"""The Service API over plain HTTP, where the platform's clients (tests/sdk) do not look: what curl and others see."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import uid_of
from tests.support.gateway import Gateway
from tests.support.polling import poll_until
from tests.support.sandbox import Sandbox, program, shell
from tests.support.service_api import Service, ServiceApi

QUICK = shell("true")
ECHO = program("""
import json, pathlib
files = {f.name: f.read_text() for f in sorted(pathlib.Path('/var/runtime/input').glob('*.json'))}
pathlib.Path('/var/runtime/output/output.json').write_text(json.dumps({'input': files, 'precise': 1.0}))
""")
WAITS = {"queueName": "nobody-admits"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
FINAL = {"SUCCEEDED", "FAILED", "CANCELLED"}
NAMES = ["plots/deep/a b.png", "Grüße €.txt", "a%41?b#c&d.txt", ".hidden", "q'\"\\.t", "..two", "self"]


@pytest.fixture
def service_api(sandbox: Sandbox, gateway: Gateway) -> ServiceApi:
    return ServiceApi(sandbox, gateway.address)


class Client:
    """One service's calls, with a key of its namespace."""

    def __init__(self, service: Service, api: ServiceApi) -> None:
        self.url = service.url
        self.http = httpx.Client(headers={"Authorization": f"Bearer {api.key.token()}"}, timeout=60)

    def call(self, method: str, path: str = "", **options: Any) -> httpx.Response:
        """``path`` is added to the service's URL, unless it is a URL itself."""
        return self.http.request(method, path if "://" in path else f"{self.url}{path}", **options)

    def submit(self, content: str = "{}", **headers: str) -> str:
        """Return the new execution's id."""
        answer = self.call(
            "POST", content=content.encode(), headers={"Content-Type": "application/json", **headers}
        )
        assert answer.status_code == 201, answer.text
        assert answer.json()["status"] == "PENDING"
        assert answer.headers["location"] == f"{self.url}/{answer.json()['id']}"
        return str(answer.json()["id"])

    def status(self, identifier: str) -> JsonObject:
        """Return the execution."""
        answer = self.call("GET", f"/{identifier}")
        assert answer.status_code == 200, answer.text
        found: JsonObject = answer.json()
        return found

    def wait_until_running(self, identifier: str) -> None:
        """Wait until the status says so: the log may have lines a moment earlier."""
        poll_until(lambda: self.status(identifier)["status"] != "PENDING", seconds=60, what="the start")
        assert self.status(identifier)["status"] == "RUNNING"

    def wait(self, identifier: str) -> JsonObject:
        """Return the execution at its end."""
        poll_until(lambda: self.status(identifier)["status"] in FINAL, seconds=90, what="the end")
        return self.status(identifier)

    def messages(self, identifier: str) -> list[str]:
        """Return the lines of the log so far."""
        answer = self.call("GET", f"/{identifier}/log")
        assert answer.status_code == 200, answer.text
        return [str(entry["message"]) for entry in answer.json()]


@pytest.fixture
def define(service_api: ServiceApi) -> Iterator[Callable[..., Client]]:
    """Return what makes a service and a client of it."""
    made: list[Client] = []

    def new(runtime: JsonObject, name: str = "service", **spec: object) -> Client:
        made.append(Client(service_api.define(runtime, name, **spec), service_api))
        return made[-1]

    yield new
    for client in made:
        client.http.close()


def assert_problem(answer: httpx.Response, status: int, code: str) -> JsonObject:
    """The answer is that problem, as RFC 9457 has it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: JsonObject = answer.json()
    assert (body["status"], body["code"]) == (status, code), body
    assert all(isinstance(body[name], str) and body[name] for name in ("type", "title", "detail"))
    return body


def test_input_arrives_and_results_leave_character_by_character(define: Callable[..., Client]) -> None:
    client = define(ECHO)
    body = '{ "data" :1.0, "n": 1E+2 ,"big":123456789012345678901234567890, "e": "\\u00e9é", "a ü": [ 1 ,2]}'
    identifier = client.submit(body)
    assert client.wait(identifier)["status"] == "SUCCEEDED"
    answer = client.call("GET", f"/{identifier}/result")
    assert answer.json()["input"] == {
        "a ü.json": "[ 1 ,2]",
        "big.json": "123456789012345678901234567890",
        "data.json": "1.0",
        "e.json": '"\\u00e9é"',
        "n.json": "1E+2",
    }
    assert '"precise":1.0' in answer.text.replace(" ", "")
    links = answer.json()["_links"]
    assert links["self"]["href"] == f"{client.url}/{identifier}/result"
    assert links["status"]["href"] == f"{client.url}/{identifier}"
    assert links["output.json"]["href"] == f"{client.url}/{identifier}/result/output.json"
    assert answer.json()["_embedded"]["status"] == client.status(identifier)


def test_a_million_bytes_and_one_more(define: Callable[..., Client]) -> None:
    client = define(ECHO)
    start, end = '{"data":"', '"}'
    text = start + "x" * (1_000_000 - len(start) - len(end)) + end
    identifier = client.submit(text)
    problem = assert_problem(client.call("POST", content=text + " "), 413, "InputTooLarge")
    assert "1,000,000" in str(problem["detail"]) or "1000000" in str(problem["detail"])

    def pieces() -> Iterator[bytes]:  # without a length
        yield text.encode()
        yield b" "

    assert_problem(client.call("POST", content=pieces()), 413, "InputTooLarge")
    assert client.wait(identifier)["status"] == "SUCCEEDED"
    found = client.call("GET", f"/{identifier}/result").json()["input"]["data.json"]
    assert len(found) == 1_000_000 - len('{"data":') - 1


def test_every_error_is_a_problem(define: Callable[..., Client], sandbox: Sandbox) -> None:
    client = define(QUICK, **WAITS)
    identifier = client.submit()
    json_type = {"Content-Type": "application/json"}
    bad: list[tuple[str, str]] = [
        ('{"a": ', "$"),
        ("[1]", "$"),
        ('{"$secrets": {"token": 5}}', '$["$secrets"]["token"]'),
        ('{"$tags": "one"}', '$["$tags"]'),
    ]
    for content, path in bad:
        problem = assert_problem(client.call("POST", content=content, headers=json_type), 400, "InvalidInput")
        assert problem["path"] == path, content
    assert_problem(
        client.call("POST", content="<a/>", headers={"Content-Type": "text/xml"}),
        415,
        "UnsupportedMediaType",
    )
    for method, path in (
        ("PATCH", ""),
        ("DELETE", f"/{identifier}"),
        ("POST", f"/{identifier}/log"),
        ("GET", f"/{identifier}/cancel"),
    ):
        answer = client.call(method, path)
        assert_problem(answer, 405, "MethodNotAllowed")
        assert answer.headers["allow"]
    for path in (f"/{UNKNOWN}", f"/{UNKNOWN}/result", f"/{UNKNOWN}/log", f"/{UNKNOWN}/result/a.txt"):
        assert_problem(client.call("GET", path), 404, "ExecutionNotFound")
    assert_problem(client.call("PUT", f"/{UNKNOWN}/cancel"), 404, "ExecutionNotFound")
    other = client.url.removesuffix("service") + "other"
    assert_problem(client.call("GET", other), 404, "ServiceNotFound")
    assert_problem(client.call("POST", other), 404, "ServiceNotFound")
    for token in ("", "Bearer", "Bearer nonsense", "Basic bm86bm8="):
        answer = client.call("GET", headers={"Authorization": token})
        assert answer.status_code == 401, token
        assert answer.headers["www-authenticate"].startswith("Bearer")
    viewer = {"Authorization": f"Bearer {sandbox.token()}"}
    assert client.call("GET", headers=viewer).status_code == 200
    assert_problem(client.call("POST", content="{}", headers={**viewer, **json_type}), 403, "Forbidden")
    assert_problem(client.call("PUT", f"/{identifier}/cancel", headers=viewer), 403, "Forbidden")
    client.submit("{}", **{"Idempotency-Key": "one"})
    again = client.call("POST", content='{"a":1}', headers={**json_type, "Idempotency-Key": "one"})
    assert_problem(again, 409, "IdempotencyKeyReused")


def test_another_namespace_cannot_be_read(
    new_sandbox: Callable[..., Sandbox], gateway: Gateway, define: Callable[..., Client]
) -> None:
    client = define(QUICK, **WAITS)
    other = ServiceApi(new_sandbox(), gateway.address)
    theirs = Client(other.define(QUICK, **WAITS), other)
    identifier = theirs.submit('{"$secrets": {"token": "theirs"}}')
    before = len(theirs.call("GET").json())
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("GET", f"/{identifier}"),
        ("GET", f"/{UNKNOWN}"),
        ("GET", f"/{identifier}/result"),
        ("GET", f"/{identifier}/result/output.json"),
        ("GET", f"/{identifier}/log"),
        ("GET", f"/{identifier}/interim-results"),
        ("PUT", f"/{identifier}/cancel"),
        ("GET", "/openapi.json"),
    ):
        assert_problem(client.call(method, f"{theirs.url}{path}"), 403, "Forbidden")
    # what exists nowhere looks the same: nobody can find out names
    assert_problem(client.call("GET", f"{theirs.url}-not-there"), 403, "Forbidden")
    assert theirs.status(identifier)["status"] == "PENDING"
    assert len(theirs.call("GET").json()) == before
    theirs.http.close()


def test_before_the_start_and_cancel(define: Callable[..., Client]) -> None:
    client = define(QUICK, **WAITS)
    identifier = client.submit()
    assert client.call("GET", f"/{identifier}/log").json() == []
    assert client.call("GET", f"/{identifier}/interim-results").json() == []
    assert_problem(client.call("GET", f"/{identifier}/result"), 404, "NotFinished")
    assert_problem(client.call("GET", f"/{identifier}/result/output.json"), 404, "NotFinished")
    answer = client.call("PUT", f"/{identifier}/cancel")
    assert (answer.status_code, answer.json()["id"]) == (200, identifier)
    final = client.wait(identifier)
    assert final["status"] == "CANCELLED"
    assert "startedAt" not in final
    assert set(client.call("GET", f"/{identifier}/result").json()) == {"_embedded", "_links"}
    again = client.call("PUT", f"/{identifier}/cancel")
    assert (again.status_code, again.json()) == (200, final)


def test_cancel_of_what_has_finished_changes_nothing(define: Callable[..., Client]) -> None:
    client = define(QUICK)
    identifier = client.submit()
    final = client.wait(identifier)
    assert final["status"] == "SUCCEEDED"
    answer = client.call("PUT", f"/{identifier}/cancel")
    assert (answer.status_code, answer.json()) == (200, final)


def test_files_of_every_name_by_their_links(define: Callable[..., Client]) -> None:
    client = define(
        program(f"""
import pathlib
for name in {NAMES!r}:
    file = pathlib.Path('/var/runtime/output', name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(name)
""")
    )
    identifier = client.submit()
    assert client.wait(identifier)["status"] == "SUCCEEDED"
    links = client.call("GET", f"/{identifier}/result").json()["_links"]
    assert set(links) == {*NAMES, "status"}
    for name in set(NAMES) - {"self"}:
        answer = client.call("GET", links[name]["href"])
        assert answer.content == name.encode(), name
        assert answer.headers["content-disposition"].startswith("attachment")
    # its link is that of the document
    assert client.call("GET", f"/{identifier}/result/self").content == b"self"
    assert client.call("GET", links["plots/deep/a b.png"]["href"]).headers["content-type"] == "image/png"
    for path in ("missing", "plots", "..%2fresult", "%2e%2e/log"):
        assert client.http.get(f"{client.url}/{identifier}/result/{path}").status_code in {400, 404}, path


def test_a_file_in_parts(define: Callable[..., Client]) -> None:
    client = define(shell("head -c 3000000 /dev/zero | tr '\\0' x > /var/runtime/output/large.bin"))
    identifier = client.submit()
    client.wait(identifier)
    path = f"/{identifier}/result/large.bin"
    whole = client.call("GET", path)
    assert (whole.headers["content-length"], len(whole.content)) == ("3000000", 3_000_000)
    assert whole.headers["content-type"] == "application/octet-stream"
    etag = whole.headers["etag"]
    rest = client.call("GET", path, headers={"Range": "bytes=2999990-", "If-Range": etag})
    assert (rest.status_code, rest.content) == (206, b"x" * 10)
    assert rest.headers["content-range"] == "bytes 2999990-2999999/3000000"
    assert client.call("GET", path, headers={"Range": "bytes=-5"}).content == b"xxxxx"
    stale = client.call("GET", path, headers={"Range": "bytes=10-", "If-Range": '"other"'})
    assert (stale.status_code, len(stale.content)) == (200, 3_000_000)
    beyond = client.call("GET", path, headers={"Range": "bytes=3000000-"})
    assert_problem(beyond, 416, "RangeNotSatisfiable")
    assert beyond.headers["content-range"] == "bytes */3000000"
    unchanged = client.call("GET", path, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    head = client.call("HEAD", path)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "3000000", b"")
    assert head.headers["etag"] == etag


def test_the_log_is_the_same_when_the_pod_is_gone(define: Callable[..., Client], sandbox: Sandbox) -> None:
    client = define(
        shell("""
echo '{"level": "error", "message": "as JSON"}'
echo 'WARNING:root:from Python'
echo 'E1124 10:00:00.000000       1 file.go:1] klog'
echo plain
sleep 10
echo last""")
    )
    identifier = client.submit()
    poll_until(lambda: len(client.messages(identifier)) == 4, seconds=60, what="four lines")
    client.wait_until_running(identifier)
    live = client.call("GET", f"/{identifier}/log").json()
    assert [entry["severity"] for entry in live] == ["ERROR", "WARNING", "ERROR", "INFO"]
    client.wait(identifier)
    sandbox.wait_for_no_children(sandbox.get(identifier))
    kept = client.call("GET", f"/{identifier}/log").json()
    assert kept[:4] == live
    assert [(entry["message"], entry["severity"]) for entry in kept[4:]] == [("last", "INFO")]
    assert all(entry["timestamp"].endswith("Z") and len(entry["timestamp"]) == 30 for entry in kept)


def test_following_the_log_goes_on_where_it_was_cut(define: Callable[..., Client]) -> None:
    client = define(shell("for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 2; done"))
    identifier = client.submit()
    first, last = follow(client, identifier, most=3)
    assert first == ["line 1", "line 2", "line 3"]
    client.wait_until_running(identifier)
    second, _ = follow(client, identifier, last=last)
    assert second == [f"line {number}" for number in range(4, 9)]
    assert follow(client, identifier)[0] == first + second
    assert client.wait(identifier)["status"] == "SUCCEEDED"


def follow(
    client: Client, identifier: str, *, last: str = "", most: int | None = None
) -> tuple[list[str], str]:
    """Return messages and the last event's id: all until the event ``end``, or the first ``most`` and cut it then."""
    found: list[str] = []
    headers = {"Last-Event-ID": last} if last else {}
    url = f"{client.url}/{identifier}/log?follow"
    with client.http.stream("GET", url, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        ended = False
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                last = value
            elif (name, value) == ("event", "end"):
                ended = True
            elif name == "data" and not ended:
                found.append(json.loads(value)["message"])
                if len(found) == most:
                    return found, last
    assert ended, "the stream ended without its last event"
    return found, last


def test_interim_results_are_listed_while_the_program_runs(define: Callable[..., Client]) -> None:
    client = define(
        shell("""
echo 'PlanQK:Job:InterimResult: {"step": 1, "precise": 1.0}'
echo 'PlanQK:Job:InterimResult: nonsense'
sleep 8
echo 'PlanQK:Job:InterimResult: {"step": 2}'""")
    )
    identifier = client.submit()
    path = f"/{identifier}/interim-results"
    poll_until(lambda: len(client.call("GET", path).json()) == 1, seconds=60, what="the first")
    client.wait_until_running(identifier)
    assert client.call("GET", f"{path}?last=true").json() == {"step": 1, "precise": 1.0}
    client.wait(identifier)
    assert client.call("GET", path).json() == [{"step": 1, "precise": 1.0}, {"step": 2}]
    assert client.call("GET", f"{path}?last=true").json() == {"step": 2}


def test_made_by_kubectl_and_made_by_post(define: Callable[..., Client], sandbox: Sandbox) -> None:
    client = define(ECHO)
    by_kubectl = sandbox.create(
        {"serviceRef": {"name": "service"}, "inputJson": '{"data": 1.0}', "tags": ["mine"]}, name="mine"
    )
    inline = sandbox.create({"runtime": QUICK}, name="of-no-service")
    by_post = client.submit('{"data": 2.0, "$tags": ["posted"]}')
    poll_until(lambda: len(client.call("GET").json()) == 2, seconds=10, what="both in the list")
    listed = {entry["id"]: entry["tags"] for entry in client.call("GET").json()}
    assert listed == {uid_of(by_kubectl): ["mine"], by_post: ["posted"]}
    assert client.wait(uid_of(by_kubectl))["status"] == "SUCCEEDED"
    result = client.call("GET", f"/{uid_of(by_kubectl)}/result").json()
    assert result["input"] == {"data.json": "1.0"}
    assert_problem(client.call("GET", f"/{uid_of(inline)}"), 404, "ExecutionNotFound")
    kubectl = shutil.which("kubectl")
    assert kubectl, "kubectl is in the PATH that `make env` prints"
    shown = subprocess.run(
        [kubectl, "get", "sx", "-n", sandbox.name], check=True, capture_output=True, text=True
    )
    assert by_post in shown.stdout
    client.wait(by_post)


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_all_ends_of_the_base_url(define: Callable[..., Client], end: str) -> None:
    client = define(QUICK, **WAITS)
    answer = client.call("POST", end, content=b"", headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{client.url}/{answer.json()['id']}"
    assert [entry["id"] for entry in client.call("GET", end).json()] == [answer.json()["id"]]
