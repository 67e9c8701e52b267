import json

import pytest

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.request import ArchiveSource, GitSource, parse_request
from tests.unit.builder.support import DIGEST, request_fields, request_text


def test_a_request_for_a_dockerfile_is_read():
    request = parse_request(
        request_text(
            docker={"dockerfile": "docker/Dockerfile", "target": "web", "args": {"A": "1"}}, subPath="svc/"
        )
    )

    assert request.source == ArchiveSource(DIGEST)
    assert request.docker is not None
    assert (request.docker.dockerfile, request.docker.target) == ("docker/Dockerfile", "web")
    assert request.docker.args == {"A": "1"}
    assert request.sub_path == "svc"
    assert request.python is None
    assert request.registry.insecure == ("registry.example:5000",)
    assert request.limits.context_files == 100


def test_a_request_for_a_python_project_is_read():
    python = {"baseImage": "ghcr.io/x/python:3.11-0.1.0", "entryPoint": "user_code.src.program:run"}

    request = parse_request(
        request_text(docker=None, python=python, cacheImage=None, environment=None, registry=None)
    )

    assert request.python is not None
    assert request.python.base_image == "ghcr.io/x/python:3.11-0.1.0"
    assert (request.cache_image, request.environment, request.registry.login) == ("", {}, False)


@pytest.mark.parametrize(
    "url", ["https://git.example/team/x.git", "ssh://git@git.example:2222/x", "git@git.example:x/y"]
)
def test_a_git_source_is_read_from_a_request(url):
    request = parse_request(request_text(source={"git": {"url": url, "ref": "v1.2"}}))

    assert request.source == GitSource(url, "v1.2")


def test_a_dockerfile_that_is_not_named():
    request = parse_request(request_text(docker={}))

    assert request.docker is not None
    assert request.docker.dockerfile == "Dockerfile"


WRONG = {
    "no gateway": ({"gatewayUrl": None}, "gatewayUrl must be a text"),
    "odd gateway": ({"gatewayUrl": "ftp://x"}, "gatewayUrl has the wrong form"),
    "builder": ({"builder": "kaniko"}, "builder has the wrong form: 'kaniko'"),
    "both": ({"python": {"baseImage": "x", "entryPoint": "a:b"}}, "must have either docker or python"),
    "neither": ({"docker": None}, "must have either docker or python"),
    "no source": ({"source": None}, "source must be an object"),
    "two sources": (
        {"source": {"archive": {"digest": "x"}, "git": {"url": "x"}}},
        "source must have either archive or git",
    ),
    "digest": ({"source": {"archive": {"digest": "sha256:abc"}}}, "source.archive.digest must be sha256:"),
    "option as url": ({"source": {"git": {"url": "--upload-pack=x", "ref": "a"}}}, "source.git.url"),
    "option as ref": ({"source": {"git": {"url": "https://x/y", "ref": "-x"}}}, "source.git.ref"),
    "refspec as ref": ({"source": {"git": {"url": "https://x/y", "ref": "a:b"}}}, "source.git.ref"),
    "sub path": ({"subPath": "a/../.."}, "subPath must be a relative path without '..'"),
    "absolute dockerfile": (
        {"docker": {"dockerfile": "/etc/x"}},
        "docker.dockerfile must be a relative path",
    ),
    "image": ({"image": "a b"}, "image has the wrong form"),
    "image of two lines": ({"image": "a\nb"}, "image has the wrong form"),
    "args": ({"docker": {"args": {"A": 1}}}, "docker.args must have names and texts"),
    "environment": ({"environment": {"A B": "x"}}, "environment must have names and texts"),
    "entry point": (
        {"docker": None, "python": {"baseImage": "x", "entryPoint": "a b:c"}},
        "python.entryPoint has the wrong form",
    ),
    "base image": (
        {"docker": None, "python": {"baseImage": "x\nRUN evil", "entryPoint": "a:b"}},
        "python.baseImage has the wrong form",
    ),
    "limits": ({"limits": {"archiveBytes": 0}}, "limits.archiveBytes must be a number greater than zero"),
    "timeout": ({"timeoutSeconds": True}, "timeoutSeconds must be a number greater than zero"),
    "insecure": ({"registry": {"insecure": "x"}}, "registry.insecure must be a list"),
}


@pytest.mark.parametrize(("changes", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(changes, sentence):
    with pytest.raises(BuildError) as raised:
        parse_request(request_text(**changes))

    assert raised.value.reason is Reason.BUILDER_FAILED
    assert sentence in raised.value.message


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"'])
def test_what_is_no_request_at_all(text):
    with pytest.raises(BuildError, match="SX_BUILD_REQUEST"):
        parse_request(text)


def test_fields_of_a_newer_controller_are_ignored():
    assert parse_request(json.dumps(request_fields() | {"new": 1})).builder == "buildkit"
