"""Images are built on bases that are named by digest, here or when a release is built."""

from pathlib import Path

import pytest
import yaml

from tools import base_digests
from tools.base_digests import arguments, bases, is_pinned

ROOT = Path(__file__).parents[3]
OURS = ("builder", "collector", "operator", "python")
DIGEST = f"sha256:{'a' * 64}"
TEXT = f"""\
ARG BASE=docker.io/library/python:3@{DIGEST}
ARG TOOL=docker.io/tool:1
FROM ${{TOOL}} AS tool
FROM ${{BASE}}
"""


def told(image: str) -> str:
    assert "@" not in image
    return DIGEST


def test_what_is_named_by_a_tag_is_asked_for_and_the_rest_is_left_as_it_stands() -> None:
    assert bases(TEXT) == {"BASE": f"docker.io/library/python:3@{DIGEST}", "TOOL": "docker.io/tool:1"}
    assert arguments(TEXT, {}, told) == [f"TOOL=docker.io/tool:1@{DIGEST}"]


def test_what_is_given_counts_instead() -> None:
    given = {"BASE": "docker.io/library/python:4", "TOOL": f"docker.io/tool:2@{DIGEST}"}
    assert arguments(TEXT, given, told) == [
        f"BASE=docker.io/library/python:4@{DIGEST}",
        f"TOOL=docker.io/tool:2@{DIGEST}",
    ]
    with pytest.raises(ValueError, match="no base OTHER"):
        arguments(TEXT, {"OTHER": "x"}, told)


@pytest.mark.parametrize("answer", ["", "sha256:abc", "manifest unknown"])
def test_an_answer_that_is_no_digest_ends_the_build(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    class Done:
        stdout = answer

    monkeypatch.setattr("subprocess.run", lambda *_, **__: Done())
    with pytest.raises(ValueError, match="has no digest"):
        base_digests.digest_of("docker.io/tool:1")


@pytest.mark.parametrize("image", OURS)
def test_every_base_of_ours_is_named_by_digest_but_buildkits(image: str) -> None:
    found = bases((ROOT / "images" / image / "Containerfile").read_text())
    assert {name for name, base in found.items() if not is_pinned(base)} <= {"BUILDKIT"}
    assert found


def test_a_release_is_built_with_them() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    command = workflow["jobs"]["images"]["steps"][-1]["run"]
    assert 'python3 -m tools.base_digests "images/$IMAGE/Containerfile"' in command
