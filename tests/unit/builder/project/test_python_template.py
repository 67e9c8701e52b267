"""Golden files: ``pytest tests/unit/builder --update-golden`` writes them; read the difference before a commit."""

from dataclasses import replace
from pathlib import Path

import pytest

from serviceexecution.builder.project.python_project import PythonProject
from serviceexecution.builder.project.python_template import Template, dockerfile
from serviceexecution.builder.request import PythonBuild

GOLDEN = Path(__file__).parent / "golden"
BUILD = PythonBuild("ghcr.io/serviceexecution/python:3.11-0.1.0", "user_code.src.program:run")
TEMPLATES = {
    "plain": Template(BUILD, PythonProject(("requirements.txt",), False, ("qhub-commons",)), ()),
    "own-library": Template(BUILD, PythonProject(("requirements.txt",), False, ()), ()),
    "both-libraries": Template(
        BUILD, PythonProject(("requirements.txt",), False, ("qhub-commons", "planqk-commons")), ()
    ),
    "included": Template(
        BUILD, PythonProject(("requirements.txt", 'requirements/a "b" $c.txt'), False, ("qhub-commons",)), ()
    ),
    "own-files": Template(BUILD, PythonProject(("requirements.txt",), True, ("qhub-commons",)), ()),
    "several-indexes": Template(
        BUILD, PythonProject(("requirements.txt",), False, ("qhub-commons",), one_index=False), ()
    ),
    "all-indexes": Template(
        replace(BUILD, all_indexes=True),
        PythonProject(("requirements.txt",), False, ("qhub-commons",), one_index=False),
        (),
    ),
    "private-index": Template(
        PythonBuild("registry.example/python:3.13", "user_code.main:go"),
        PythonProject(("requirements.txt",), False, ("qhub-commons",)),
        ("uv.toml", "netrc", "ca.crt", "environment"),
    ),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_dockerfile_of_a_python_project_is_as_recorded(name, update_golden):
    path = GOLDEN / f"{name}.Dockerfile"
    text = dockerfile(TEMPLATES[name])
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    assert text == path.read_text()


def test_what_is_secret_is_there_for_one_step_alone():
    lines = dockerfile(TEMPLATES["private-index"]).replace(" \\\n", " ").splitlines()

    marked = [line for line in lines if "/run/build" in line]
    assert len(marked) == 1
    assert marked[0].startswith("RUN ")
    assert "uv pip install" in marked[0]
    for secret in ("uv.toml", "netrc", "ca.crt", "environment"):
        assert f"--mount=type=secret,id={secret}," in marked[0]
    assert not any(line.startswith(("ARG", "ENV UV", "ENV NETRC")) for line in lines)


def test_the_image_runs_as_nobody_in_particular():
    text = dockerfile(TEMPLATES["plain"])

    assert text.rindex("USER 65532:65532") > text.rindex(
        "RUN "
    )  # no step may follow it where one user exists
