"""`sx` among odd surroundings: proxies, variables with spaces, full disks, names of any length, Ctrl-C."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from serviceexecution.cli.client import download as downloading
from serviceexecution.cli.client.channel import Channel
from serviceexecution.cli.client.download import download_all
from serviceexecution.cli.client.places import target_of, targets_of
from serviceexecution.cli.client.proxies import proxy_for
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.service_client import direct_client

PROXY = "http://proxy:3128"
URL = "http://127.0.0.1:9/services/a/b"


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://gateway.example", None),
        ({"HTTPS_PROXY": PROXY}, "https://gateway.example", PROXY),
        ({"HTTPS_PROXY": PROXY}, "http://gateway.example", None),
        ({"https_proxy": "http://small", "HTTPS_PROXY": PROXY}, "https://gateway.example", "http://small"),
        ({"ALL_PROXY": "proxy:3128"}, "http://gateway.example", PROXY),
        ({"HTTP_PROXY": " "}, "http://gateway.example", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8, .svc"}, "http://10.96.0.1:8080", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, "http://11.0.0.1", PROXY),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "fd00::/8"}, "http://[fd00::1]:30080", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "[::1]"}, "http://[::1]:30080", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "example"}, "http://gateway.example", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "*.example"}, "http://gateway.example", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "ample"}, "http://gateway.example", PROXY),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "a b *"}, "http://gateway.example", None),
    ],
)
def test_the_environment_says_which_proxy(environment, url, proxy):
    assert proxy_for(url, environment) == proxy


@pytest.mark.parametrize(
    "proxy", ["socks5://host:1", "ftp://host", "http://", "http://host:99999", "a b", "http://[::1"]
)
def test_a_proxy_that_cannot_be_used_is_named_with_its_variable(proxy):
    with pytest.raises(CommandError, match="ALL_PROXY names no HTTP proxy"):
        proxy_for("http://gateway.example", {"ALL_PROXY": proxy})
    assert proxy_for("http://gateway.example", {"ALL_PROXY": proxy, "NO_PROXY": "gateway.example"}) is None


@pytest.mark.parametrize(
    "url", ["http://[::1/a", "http://h:99999/a", "http://h:0/a", "http:///a", "ftp://h/a", ""]
)
def test_what_is_no_address_is_said(url):
    with pytest.raises(CommandError, match=r"--url must be"):
        direct_client(url, "token", "", "")


@pytest.mark.parametrize("token", ["a\u00e9", "a b", "a\nb", "a\x00"])
def test_a_token_that_is_none_is_not_shown(token):
    with pytest.raises(CommandError) as refused:
        direct_client(URL, token, "", "")
    assert token not in str(refused.value)


def test_spaces_around_variables_do_not_count():
    with direct_client(f" {URL}\n", " token\r\n", "", "") as client:
        assert client._channel.url == URL
        assert client._channel.caller.headers() == {"Authorization": "Bearer token"}


class Nobody:
    def headers(self):
        return {}

    def forget(self):
        pass

    def explain(self, _):
        return ""


def channel(content=b"12345"):
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=content))
    return Channel("http://gateway", httpx.Client(transport=transport), Nobody(), pause=0.0)


@pytest.mark.parametrize(
    "name", ["a" * 255, "\u00e4" * 127, "\x01" * 255, "-", "-rf", "--help", "a" * 251 + ".txt"]
)
def test_a_file_arrives_whatever_legal_name_it_has(tmp_path, name):
    [(path, size)] = download_all(channel(), {name: "/f"}, tmp_path)
    assert (path, size) == (name, 5)
    [kept] = tmp_path.iterdir()
    assert kept.read_bytes() == b"12345"
    assert kept == target_of(tmp_path, name)
    assert len(os.fsencode(kept.name)) <= 255


def test_names_that_become_too_long_stay_apart(tmp_path):
    names = ["\x01" * 255, "\x01" * 254 + "\x02"]
    assert len(set(targets_of(tmp_path, names).values())) == 2


def test_a_disk_that_takes_small_and_large_letters_for_the_same_is_told_of():
    with pytest.raises(CommandError, match=r"'A\.txt' and 'a\.txt' have the same place"):
        targets_of(Path(), ["A.txt", "a.txt"], caseless=True)


def test_a_full_disk_is_said_with_the_file_and_what_to_do(tmp_path, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(downloading, "_opened", lambda *_: Full())
    with pytest.raises(
        CommandError, match=r"big cannot be written: No space left on device\. What has come is kept"
    ):
        list(download_all(channel(), {"big": "/f"}, tmp_path))


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="is no folder that can be written to"):
        list(download_all(channel(), {"a": "/f"}, tmp_path / "file" / "below"))


def test_an_interrupted_command_ends_with_130():
    code = (
        "import sys, httpx\n"
        "from serviceexecution.cli import main\n"
        "def stop(*a, **k): raise KeyboardInterrupt\n"
        "httpx.Client.stream = stop\n"
        "main.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "result", "a", "--url", URL, "--token", "t"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout) == (128 + signal.SIGINT, "")
    assert "Traceback" not in done.stderr
