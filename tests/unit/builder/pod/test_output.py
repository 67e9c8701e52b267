import base64
import json

import pytest

from serviceexecution.builder.pod.output import size_text
from serviceexecution.builder.pod.paths import Paths
from serviceexecution.builder.project.secrets import build_secrets, hidden_values, index_secrets
from tests.unit.builder.support import write_files


def test_hidden_values_never_reach_the_output(output):
    output.hide(["hunter2", "hunter2-and-more", "line one\nline two\nuser\n", "abc"])

    output.line("a hunter2-and-more b hunter2 c line two d abc user")
    output.phase("push", "x hunter2")

    assert output.text() == "a *** b *** c *** d abc user\npush: x ***\n"


def test_control_characters_do_not_reach_the_log(output):
    output.line("a\x1b[31mred\x1b[0m\tb\x07")

    assert output.text() == "ared\tb\n"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1536, "1.5 KiB"),
        (100 << 20, "100.0 MiB"),
        (5 << 40, "5120.0 GiB"),
    ],
)
def test_sizes_are_shown_in_binary_units(size, text):
    assert size_text(size) == text


@pytest.fixture
def paths(tmp_path):
    paths = Paths(tmp_path / "build", tmp_path / "mounts", tmp_path / "cache", tmp_path / "log")
    paths.work.mkdir()
    return paths


def test_secrets_of_a_dockerfile(paths):
    write_files(
        paths.mounted / "secrets", {"npm": "n", "folder/value": "f", "..data/npm": "n", "odd/other": "o"}
    )

    found = build_secrets(paths)

    assert {name: path.read_text() for name, path in found.items()} == {"npm": "n", "folder": "f"}


def test_without_secrets_nothing_is_hidden(paths):
    assert build_secrets(paths) == {}
    assert index_secrets(paths, {}, None) == {}
    assert list(hidden_values(paths, {})) == ["", ""]


def test_secrets_of_an_index(paths, tmp_path):
    write_files(paths.mounted / "index", {"uv.toml": "", "netrc": "", "ca.crt": ""})

    found = index_secrets(paths, {"UV_INDEX": "it's"}, tmp_path / "all.pem")

    assert sorted(found) == ["ca.crt", "environment", "netrc", "uv.toml"]
    assert found["ca.crt"] == tmp_path / "all.pem"
    assert found["environment"].read_text() == "UV_INDEX='it'\"'\"'s'\n"
    assert found["environment"].stat().st_mode & 0o777 == 0o600


def test_all_that_must_not_show(paths):
    auth = base64.b64encode(b"robot:registry-secret").decode()
    write_files(
        paths.mounted,
        {
            "secrets/npm": "npm-secret\n",
            "git/password": "git-secret",
            "git/ssh-privatekey": "-----BEGIN-----\nkey-line\n",
            "index/netrc": "machine x login me password netrc-secret\n",
            "index/uv.toml": '[[index]]\nurl = "https://me:uv%40secret@x/simple"\npassword = "toml-secret"\n',
            "registry/config.json": json.dumps(
                {"auths": {"r.example": {"auth": auth, "identitytoken": "id-secret"}}}
            ),
        },
    )

    found = set(hidden_values(paths, {"HTTPS_PROXY": "http://u:proxy-secret@proxy:3128", "X": "plain"}))

    assert {
        "npm-secret\n", "git-secret", "netrc-secret", "uv%40secret", "uv@secret", "toml-secret", auth,
        "registry-secret", "id-secret", "proxy-secret",
    } <= found  # fmt: skip
    assert "-----BEGIN-----\nkey-line\n" in found
    assert "plain" not in found


def test_a_broken_login_hides_nothing_and_breaks_nothing(paths):
    write_files(paths.mounted, {"registry/config.json": "{"})

    assert list(hidden_values(paths, {})) == ["", ""]
