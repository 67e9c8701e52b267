import json
import subprocess
import sys

import pytest

from serviceexecution.builder.failures.errors import BuildError
from serviceexecution.builder.tools import oci_runtime
from serviceexecution.builder.tools.oci_wrapper import write_wrapper
from tests.unit.builder.support import write_files


def config(*command, env=()):
    return {
        "root": {"path": "rootfs"},
        "process": {"args": list(command), "env": ["PATH=/bin", *env]},
        "mounts": [{"destination": "/proc"}],
    }


@pytest.fixture
def root(tmp_path):
    return write_files(
        tmp_path / "rootfs", {"etc/ssl/certs/ca-certificates.crt": "x", "etc/apt/apt.conf": ""}
    )


def destinations(found):
    return [mount["destination"] for mount in found["mounts"]]


def test_certificates_for_every_step(root):
    found = oci_runtime.amended(config("sh", "-c", "wget https://x"), str(root), "/build/ca.pem", "")

    assert destinations(found) == [
        "/proc",
        "/dev/serviceexecution/ca.crt",
        "/etc/ssl/certs/ca-certificates.crt",
    ]
    assert all("ro" in mount["options"] for mount in found["mounts"][1:])
    assert "SSL_CERT_FILE=/dev/serviceexecution/ca.crt" in found["process"]["env"]
    assert "PATH=/bin" in found["process"]["env"]


@pytest.mark.parametrize(
    "command",
    ["apt-get install -y curl", "apk add curl", "update-ca-certificates", "dpkg -i ca-certificates.deb"],
)
def test_the_system_s_file_can_be_written_by_those_who_do(root, command):
    found = oci_runtime.amended(config("sh", "-c", command), str(root), "/build/ca.pem", "/build/apt.conf")

    assert "/etc/ssl/certs/ca-certificates.crt" not in destinations(found)
    assert "/dev/serviceexecution/ca.crt" in destinations(found)


def test_a_project_s_own_setting_stays(root):
    found = oci_runtime.amended(config("x", env=["SSL_CERT_FILE=/own"]), str(root), "/build/ca.pem", "")

    assert [one for one in found["process"]["env"] if one.startswith("SSL_CERT_FILE")] == [
        "SSL_CERT_FILE=/own"
    ]


def test_settings_of_apt_where_there_is_apt(root, tmp_path):
    with_apt = oci_runtime.amended(config("x"), str(root), "", "/build/apt.conf")
    without = oci_runtime.amended(config("x"), str(tmp_path), "", "/build/apt.conf")

    assert destinations(with_apt) == ["/proc", "/dev/serviceexecution/apt.conf"]
    assert "APT_CONFIG=/dev/serviceexecution/apt.conf" in with_apt["process"]["env"]
    assert without == config("x")


@pytest.mark.parametrize(
    ("arguments", "bundle"),
    [
        (["--log", "x", "run", "--bundle", "/b", "id"], "/b"),
        (["create", "--bundle=/b", "id"], "/b"),
        (["create", "-b", "/b", "id"], "/b"),
        (["delete", "--bundle", "/b"], None),
        (["run", "--bundle"], None),
        (["--version"], None),
    ],
)
def test_which_commands_have_a_bundle(arguments, bundle):
    assert oci_runtime.bundle_of(arguments) == bundle


def test_the_wrapper_as_a_program(root, tmp_path, monkeypatch):
    write_files(tmp_path / "bin", {"realrun": '#!/bin/sh\necho "real $@"\n'})
    (tmp_path / "bin/realrun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    (tmp_path / "config.json").write_text(json.dumps(config("x")))
    work = tmp_path / "work"
    work.mkdir()

    wrapper = write_wrapper(work, "realrun", tmp_path / "ca.pem", single_user=True)
    assert wrapper is not None
    done = subprocess.run(
        [wrapper.program, "run", "--bundle", tmp_path, "one"],
        env={"PATH": "/usr/bin:/bin", **wrapper.environment},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == f"real run --bundle {tmp_path} one\n"
    changed = json.loads((tmp_path / "config.json").read_text())
    assert "SSL_CERT_FILE=/dev/serviceexecution/ca.crt" in changed["process"]["env"]
    assert (work / "apt.conf").read_text() == (
        'Acquire::https::CaInfo "/dev/serviceexecution/ca.crt";\nAPT::Sandbox::User "root";\n'
    )
    assert sys.executable in wrapper.program.read_text()


def test_no_wrapper_where_none_is_needed(tmp_path):
    assert write_wrapper(tmp_path, "nosuch", None, single_user=False) is None


def test_a_missing_oci_runtime_fails_with_its_name(tmp_path):
    with pytest.raises(BuildError, match="no program nosuch"):
        write_wrapper(tmp_path, "nosuch", None, single_user=True)
