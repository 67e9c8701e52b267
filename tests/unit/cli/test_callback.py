"""``sx callback test`` against receivers on loopback."""

import base64
import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from serviceexecution.cli.callback_trial import TEST_TYPE

KEY = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
SECRET = "/api/v1/namespaces/team-a/secrets/serviceexecution-callbacks"  # noqa: S105


@contextlib.contextmanager
def receiver(answer):
    """A receiver; ``answer`` makes a status of headers and body. Gives its address and what came."""
    came = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append(json.loads(body))
            self.send_response(answer(dict(self.headers), body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/done", came
    finally:
        server.shutdown()
        server.server_close()


def verifying(headers, body):
    try:
        Webhook(KEY).verify(body, headers)
    except WebhookVerificationError:
        return 401
    return 204


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("SX_CALLBACK_KEY", KEY)


def test_a_receiver_that_verifies_is_well(sx):
    with receiver(verifying) as (url, came):
        code, out, err = sx("callback", "test", url)
    assert (code, err) == (0, "")
    assert out == (
        "The receiver accepted the signed event.\nIt refused one with a wrong signature, as it should.\n"
    )
    assert [event["type"] for event in came] == [TEST_TYPE, TEST_TYPE]
    assert came[0]["id"] != came[1]["id"], "a receiver may drop what it has seen"


def test_a_receiver_that_takes_anything_is_told_of(sx):
    with receiver(lambda *_: 200) as (url, _):
        code, out, _ = sx("callback", "test", url)
    assert code == 1
    assert "it does not verify them" in out


def test_the_forged_event_can_be_left_out(sx):
    with receiver(lambda *_: 200) as (url, came):
        code, out, _ = sx("callback", "test", url, "--no-forge")
    assert (code, out, len(came)) == (0, "The receiver accepted the signed event.\n", 1)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "It refuses the signature"),
        (404, "There is nothing at this path."),
        (405, "It takes no POST at this path."),
        (302, "redirects are not followed"),
        (410, "it is gone for good"),
        (500, "The operator would send the event again."),
    ],
)
def test_an_answer_is_explained(sx, status, sentence):
    with receiver(lambda *_: status) as (url, came):
        code, out, err = sx("callback", "test", url)
    assert code == 1
    assert f"The receiver answered {status}" in out
    assert sentence in out
    assert err == "sx: the receiver did not accept the event.\n"
    assert len(came) == 1, "nothing forged is sent to a receiver that takes nothing"


def test_the_answer_is_given_as_json(sx):
    with receiver(verifying) as (url, _):
        code, out, _ = sx("callback", "test", url, "-o", "json")
    said = json.loads(out)
    assert (code, said["url"], said["accepted"], said["verifies"]) == (0, url, True, True)


def test_nobody_there_is_said(sx):
    code, out, _ = sx("callback", "test", "http://127.0.0.1:1/done")
    assert code == 1
    assert "the receiver could not be reached" in out


@pytest.mark.parametrize("url", ["hooks.example.com", "ftp://hooks.example.com/", "http://", "http://[x/"])
def test_an_address_that_is_none_is_refused(sx, url):
    code, _, err = sx("callback", "test", url)
    assert code == 1
    assert err.startswith(f"sx: {url} is no address of a receiver")


class TestTheKey:
    def test_it_is_that_of_the_namespace(self, sx, cluster, monkeypatch):
        monkeypatch.delenv("SX_CALLBACK_KEY")
        cluster.objects[SECRET] = {"data": {"default": base64.b64encode(KEY.encode()).decode()}}
        with receiver(verifying) as (url, _):
            assert sx("callback", "test", url, "-n", "team-a")[0] == 0

    def test_a_key_that_is_missing_is_named(self, sx, cluster, monkeypatch):
        monkeypatch.delenv("SX_CALLBACK_KEY")
        cluster.objects[SECRET] = {"data": {}}
        code, _, err = sx("callback", "test", "http://127.0.0.1:1/", "-n", "team-a", "--signing-key", "next")
        assert code == 1
        assert 'There is no key "next" in the Secret serviceexecution-callbacks in namespace team-a.' in err
        assert "kubectl create secret generic" in err

    def test_a_file_has_it(self, sx, tmp_path, monkeypatch):
        monkeypatch.setenv("SX_CALLBACK_KEY", "another")
        file = tmp_path / "key"
        file.write_text(f"{KEY}\n")
        with receiver(verifying) as (url, _):
            assert sx("callback", "test", url, "--key-file", file)[0] == 0
