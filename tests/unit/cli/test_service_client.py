"""The client that goes on where it was cut, against a server that cuts."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.service_client import ServiceClient, TokenCredentials

DATA = bytes(range(256)) * 4096
EVENTS = [f"line {number}" for number in range(10)]


class Server(ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts, self.names, self.seen = 0, ["plots/a.bin"], []
        self.etag = f'"{hashlib.sha256(DATA).hexdigest()}"'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self):
        server = self.server
        server.seen.append((self.path, self.headers.get("Range"), self.headers.get("Last-Event-ID")))
        if self.path.endswith("/result"):
            base = f"http://{self.headers['Host']}/s/id/result"
            links = {name: {"href": f"{base}/{name}"} for name in server.names}
            self._send(200, json.dumps({"_links": {"self": {"href": base}, **links}}).encode())
        elif "/log" in self.path:
            self._events()
        else:
            self._file()

    def _file(self):
        start = 0
        wanted = self.headers.get("Range")
        if wanted and self.headers.get("If-Range") == self.server.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        body = DATA[start:]
        self.send_response(206 if start else 200)
        self.send_header("ETag", self.server.etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.cuts:
            self.server.cuts -= 1
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def _events(self):
        start = int(self.headers.get("Last-Event-ID") or 0)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        end = len(EVENTS)
        if self.server.cuts:
            self.server.cuts -= 1
            end = min(end, start + 4)
        for number in range(start, end):
            data = json.dumps({"message": EVENTS[number]})
            self.wfile.write(f"id: {number + 1}\ndata: {data}\n\n: beat\n\n".encode())
        if end == len(EVENTS):
            self.wfile.write(b"event: end\ndata: {}\n\n")
        self.close_connection = True

    def _send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    found = Server()
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def client(server):
    with ServiceClient(f"http://127.0.0.1:{server.server_port}/s", TokenCredentials("t"), pause=0) as found:
        yield found


def test_a_cut_download_goes_on(server, client, tmp_path):
    server.cuts = 3
    assert list(client.download_all("id", tmp_path)) == [("plots/a.bin", len(DATA))]
    assert (tmp_path / "plots/a.bin").read_bytes() == DATA
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["a.bin"]
    ranges = [wanted for path, wanted, _ in server.seen if path.endswith(".bin")]
    assert ranges[0] is None
    assert all(ranges[1:])
    assert len(ranges) == 4


def test_what_an_earlier_process_left_is_used(server, client, tmp_path):
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/a.bin.part").write_bytes(DATA[:1000])
    (tmp_path / "plots/a.bin.part.etag").write_text(server.etag)
    list(client.download_all("id", tmp_path))
    assert server.seen[-1][1] == "bytes=1000-"
    assert (tmp_path / "plots/a.bin").read_bytes() == DATA


def test_another_content_than_announced_is_refused(server, client, tmp_path):
    server.etag = '"' + "0" * 64 + '"'
    with pytest.raises(CommandError, match="other content"):
        list(client.download_all("id", tmp_path))
    assert not (tmp_path / "plots/a.bin").exists()


@pytest.mark.parametrize("name", ["../x", "a/../../x", "%2e%2e/x", "/etc/x"])
def test_no_file_leaves_the_directory(server, client, tmp_path, name):
    server.names = [name]
    with pytest.raises(CommandError, match="leads out"):
        list(client.download_all("id", tmp_path))


def test_a_cut_log_goes_on(server, client):
    server.cuts = 2
    assert [entry["message"] for entry in client.follow_log("id")] == EVENTS
    assert [last for _, _, last in server.seen] == [None, "4", "8"]
