"""Somebody runs `sx deploy` or `sx serve` in a project that is not theirs, such as a cloned one."""

from pathlib import Path

import pytest

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.project.whole import read_project
from serviceexecution.cli.project.yaml_text import read_yaml

FILES = ("sx.yaml", "planqk.json", "qhub.json", "openapi-spec.yml", "openapi-spec.yaml")


def merged(levels: int, each: int) -> bytes:
    """Return mappings each of which takes in the one before several times."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * each)}]}}" for n in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # Each level doubles the one before: this text of one KiB needed some 100 GiB
        (merged(30, 2), "more than 20,000 members"),
        (merged(3, 101), "more than 100 mappings"),
        (b"a: &a {x: 1}\nb: {" + b"<<: *a, " * 101 + b"}", "more than 100 mappings"),
        (b"[" * 20_000, "nested too deeply"),
        # Each of these ended with a traceback
        (b"a: 2001-99-99", "is no YAML"),
        (b"a: " + b"1" * 5000, "is no YAML"),
        (b"a: \xff", "is no YAML"),
    ],
    ids=["levels", "list", "keys", "deep", "date", "number", "bytes"],
)
def test_yaml_stays_small_and_ends_in_a_sentence(text: bytes, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        read_yaml(text, "sx.yaml")


def test_yaml_with_some_merges_is_read() -> None:
    assert read_yaml(merged(5, 3), "sx.yaml") == {f"a{n}": {"x": 1} for n in range(5)}


@pytest.mark.parametrize("name", FILES)
def test_no_file_of_a_project_is_a_link_to_one_of_the_person(tmp_path: Path, name: str) -> None:
    project, secret = tmp_path / "project", tmp_path / "credentials"
    project.mkdir()
    secret.write_text('{"description": "a password"}')
    (project / name).symlink_to(secret)
    with pytest.raises(CommandError, match=f"{name} is a link to a file outside"):
        read_project(project)


def test_a_link_within_the_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("metadata: {name: plot}")
    (tmp_path / "sx.yaml").symlink_to("service.yaml")
    assert read_project(tmp_path).file.name == "plot"


@pytest.mark.parametrize("name", FILES)
def test_a_huge_file_is_refused_before_it_is_read_whole(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(20 * 1024**3)
    with pytest.raises(CommandError, match=f"{name} has more than"):
        read_project(tmp_path)
