"""What becomes of bodies about managed services, without HTTP."""

import pytest

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.services.managed_bodies import (
    build_patch,
    runtime_patch,
    source_patch,
)
from serviceexecution.resources.services.source import NO_ARCHIVE

DIGEST = f"sha256:{'a' * 64}"
AGAIN = {"spec": {"build": {"token": "t"}}}
OF_FILE = {"runtime": {"python": {}}, "source": {"archive": {"digest": DIGEST}}}
OF_GIT = {"runtime": {"docker": {"build": {}}}, "source": {"git": {"url": "https://example.com/a"}}}
OF_IMAGE = {"runtime": {"docker": {"image": "busybox"}}}


def definition(spec, *revisions, generation=2, observed=2):
    return {
        "metadata": {"generation": generation},
        "spec": spec,
        "status": {"observedGeneration": observed, "revisions": [*revisions]},
    }


def revision(phase, digest=DIGEST):
    return {"name": "r1", "phase": phase, "sourceDigest": digest}


@pytest.mark.parametrize(
    ("found", "patch"),
    [
        (definition(OF_FILE), {}),
        (definition(OF_FILE, revision("Failed", NO_ARCHIVE)), {}),
        (definition(OF_FILE, revision("Pending")), {}),
        (definition(OF_FILE, revision("Building")), {}),
        (definition(OF_FILE, revision("Succeeded")), AGAIN),
        (definition(OF_FILE, revision("Failed")), AGAIN),
        # What goes on may be the build of an earlier state
        (definition(OF_FILE, revision("Building"), observed=1), AGAIN),
        (definition(OF_GIT, revision("Building", None)), {}),
        (definition(OF_GIT, revision("Succeeded", None)), AGAIN),
        (definition(OF_GIT), AGAIN),
    ],
    ids=str,
)
def test_a_build_is_asked_for_only_when_none_is_on_its_way(found, patch):
    assert build_patch(found, "t") == patch


@pytest.mark.parametrize("spec", [OF_IMAGE, {**OF_FILE, "source": {"archive": {"digest": NO_ARCHIVE}}}])
def test_what_cannot_be_built_is_not(spec):
    with pytest.raises(Problem):
        build_patch(definition(spec), "t")


@pytest.mark.parametrize(
    ("spec", "runtime", "patch"),
    [
        (OF_FILE, "PYTHON_TEMPLATE", {}),
        (OF_FILE, "DOCKER", {"python": None, "docker": {"build": {}}}),
        (OF_GIT, "PYTHON_TEMPLATE", {"docker": None, "python": {}}),
        (OF_IMAGE, "DOCKER", {}),
    ],
)
def test_the_runtime_is_changed_only_when_it_is_another_one(spec, runtime, patch):
    expected = {"spec": {"runtime": patch}} if patch else {}
    assert runtime_patch(definition(spec), {"runtime": runtime}) == expected


@pytest.mark.parametrize("body", [None, [], "file", {"type": None}, {"type": ["file"]}, {"type": "other"}])
def test_what_is_no_source_is_said(body):
    with pytest.raises(Problem) as caught:
        source_patch(definition(OF_FILE), body)
    assert caught.value.members["path"] == "$.source.type"
