"""Git servers and package indexes that want a login, and a cache volume: on real pods, by the documented Secrets."""

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Final

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import CONFIG_MAPS, EVENTS, JOBS, SERVICE_DEFINITIONS
from tests.e2e.builds.conftest import NewBuilds
from tests.support import private_server
from tests.support.builds import ADDER, BUSYBOX, DOCKERFILE, Builds, Files, result_of
from tests.support.cluster import SECRETS
from tests.support.pod_server import NEW_REPOSITORY, start_server

USER: Final = "ada"
PASSWORD: Final = "correct-horse-battery-staple"  # noqa: S105 - of a test
SERVE: Final = f"""{NEW_REPOSITORY}
git clone -q --bare /tmp/work /tmp/serve/git/project.git
mkdir -p /tmp/serve/simple/private-adder && cp /given/*.whl /tmp/serve/simple/private-adder
exec python3 -c "$SERVER" /tmp/serve "$LOGIN" "$PASSWORD" 8080
"""
WHEEL: Final = "private_adder-1.2.3-py3-none-any.whl"


def wheel() -> bytes:
    """Return the only package of the private index (binary distribution format, PEP 427)."""
    info = "private_adder-1.2.3.dist-info"
    files = {
        "private_adder.py": "def add(values):\n    return sum(values)\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: private-adder\nVersion: 1.2.3\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{path},sha256={digest},{len(text)}\n")
        archive.writestr(f"{info}/RECORD", "".join(rows) + f"{info}/RECORD,,\n")
    return packed.getvalue()


def serve(builds: Builds) -> str:
    """Start the server, and give the sandbox the Secrets that know its login; return the repository's URL."""
    host = start_server(
        builds.sandbox,
        "private",
        SERVE,
        port=8080,
        variables={
            "BASE": BUSYBOX,
            "SERVER": Path(private_server.__file__).read_text(),
            "LOGIN": USER,
            "PASSWORD": PASSWORD,
        },
        files={WHEEL: wheel()},
    )
    settings = f'[[index]]\nname = "ours"\nurl = "http://{host}:8080/simple"\n'
    secrets = {
        "git": {"username": USER, "password": f"{PASSWORD}\n"},
        "wrong": {"username": USER, "password": "guessed"},
        "index": {"uv.toml": settings, "netrc": f"machine {host} login {USER} password {PASSWORD}\n"},
        "index-without-login": {"uv.toml": settings},
    }
    for name, texts in secrets.items():
        data: JsonObject = dict(texts)
        manifest: JsonObject = {"metadata": {"name": name}, "stringData": data}
        builds.sandbox.cluster.create(SECRETS, builds.sandbox.name, manifest)
    return f"http://{host}:8080/git/project.git"


def assert_nowhere(builds: Builds, *revisions: str) -> None:
    """No object that the operator makes, and no log, has the password in it."""
    for revision in revisions:
        assert PASSWORD not in builds.log(revision)
    cluster, namespace = builds.sandbox.cluster, builds.sandbox.name
    for kind in (SERVICE_DEFINITIONS, CONFIG_MAPS, JOBS, EVENTS):
        assert PASSWORD not in json.dumps(cluster.select(kind, namespace)), kind.plural


def test_git_that_wants_a_login(builds: Builds):
    source: JsonObject = {"url": serve(builds), "ref": "main"}
    builds.define({"git": source}, DOCKERFILE)
    asked = builds.wait_for_end("r1")
    assert (asked["phase"], asked["reason"]) == ("Failed", "GitFailed")
    assert "name a Secret in spec.source.git.secretRef" in str(asked["message"])
    builds.change(source={"git": {**source, "secretRef": {"name": "wrong"}}})
    refused = builds.wait_for_end("r2")
    assert (refused["phase"], refused["reason"]) == ("Failed", "GitFailed")
    assert "refuses the credentials" in str(refused["message"])
    builds.change(source={"git": {**source, "secretRef": {"name": "git"}}})
    assert len(str(builds.succeed("r3")["commit"])) == 40
    assert result_of(builds.sandbox.succeed({"serviceRef": {"name": "service"}})) == 1
    assert_nowhere(builds, "r1", "r2", "r3")


def project() -> Files:
    """Return a Python project that needs the private index's package, beside what the public one has."""
    source = str(ADDER["src/program.py"]).replace("sum(data['values'])", "private_adder.add(data['values'])")
    return {
        **ADDER,
        "requirements.txt": "private-adder==1.2.3\n",
        "src/program.py": f"import private_adder\n{source}",
    }


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_package_index_that_wants_a_login(new_builds: NewBuilds, level: str):
    builds = new_builds(level=level)
    serve(builds)
    runtime: JsonObject = {"python": {"version": "3.11", "packageIndex": {"name": "index-without-login"}}}
    builds.define(project(), runtime)
    refused = builds.wait_for_end("r1")
    assert (refused["phase"], refused["reason"]) == ("Failed", "InstallFailed"), refused
    assert "refuses the credentials, or requires some" in str(refused["message"])
    builds.change(runtime={"python": {"packageIndex": {"name": "index"}}})
    builds.succeed("r2")
    run: JsonObject = {"serviceRef": {"name": "service"}, "inputJson": '{"data": {"values": [1, 2, 3]}}'}
    assert result_of(builds.sandbox.succeed(run)) == {"sum": 6}
    assert_nowhere(builds, "r1", "r2")


@pytest.mark.parametrize(("level", "builder"), [("baseline", "buildkit"), ("restricted", "buildah")])
def test_a_second_service_finds_what_a_first_left_in_the_cache_volume(
    new_builds: NewBuilds, level: str, builder: str
):
    """Two services share it, one after the other; what the first has downloaded, the second finds."""
    builds = new_builds(level=level)
    builds.sandbox.claim("cache", size="4Gi")
    build: JsonObject = {"cache": {"persistentVolumeClaim": {"claimName": "cache"}}}
    first = {**ADDER, "requirements.txt": "numpy==2.2.6\n"}
    builds.define(first, build=build)
    assert builds.succeed()["builder"] == builder
    assert "Downloading numpy" in builds.log()
    builds.define({**first, "requirements.txt": "numpy==2.2.6\nsix\n"}, name="other", build=build)
    builds.succeed(name="other")
    assert "six" in builds.log(name="other")
    assert "Downloading numpy" not in builds.log(name="other")
