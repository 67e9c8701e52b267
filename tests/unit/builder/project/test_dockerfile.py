import pytest

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.project.dockerfile import here_document, prepare, without_syntax
from tests.unit.builder.support import write_files


@pytest.fixture
def places(tmp_path):
    project, directory = tmp_path / "project", tmp_path / "dockerfile"
    project.mkdir()
    directory.mkdir()
    return project, directory


def test_a_dockerfile_in_a_folder_with_its_ignore_file(places):
    project, directory = places
    write_files(
        project, {"docker/web.Dockerfile": "FROM x\n", "docker/web.Dockerfile.dockerignore": "*.log\n"}
    )

    found = prepare(project, "docker/web.Dockerfile", directory, "buildkit")

    assert found.path.read_text() == found.text == "FROM x\n"
    assert (directory / "Dockerfile.dockerignore").read_text() == "*.log\n"


@pytest.mark.parametrize("name", ["Dockerfile", "docker/Dockerfile"])
def test_a_missing_dockerfile_fails_with_a_sentence(places, name):
    with pytest.raises(BuildError) as raised:
        prepare(places[0], name, places[1], "buildkit")

    assert raised.value.reason is Reason.DOCKERFILE_MISSING
    assert f"The source has no {name}: add one, or name it in" in raised.value.message


def test_no_dockerfile_but_in_a_folder(places):
    write_files(places[0], {"web/Dockerfile": "FROM x\n"})

    with pytest.raises(BuildError, match=r"at its root, but web/ has \(spec.source.subPath names a folder\)"):
        prepare(places[0], "Dockerfile", places[1], "buildkit")


def test_a_folder_or_a_link_out_is_no_dockerfile(places, tmp_path):
    project, directory = places
    (tmp_path / "outside").write_text("FROM x\n")
    (project / "Dockerfile").symlink_to("../outside")
    (project / "folder").mkdir()

    for name in ("Dockerfile", "folder"):
        with pytest.raises(BuildError) as raised:
            prepare(project, name, directory, "buildkit")
        assert raised.value.reason is Reason.DOCKERFILE_MISSING


def test_a_dockerfile_may_be_a_link_inside_the_source(places):
    project, directory = places
    write_files(project, {"docker/Dockerfile": "FROM x\n"})
    (project / "Dockerfile").symlink_to("docker/Dockerfile")

    assert prepare(project, "Dockerfile", directory, "buildkit").text == "FROM x\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM x\nRUN <<EOF\necho\nEOF\n", 2),
        ("FROM x\n\nCOPY <<'EOF' /x\nEOF\n", 3),
        ('FROM x\nRUN python3 <<-"END"\nEND\n', 2),
        ("FROM x\nrun cat <<EOF > /x\nEOF\n", 2),
        ("FROM x\nRUN cat <<< word\n", 0),
        ("FROM x\n# RUN <<EOF\nRUN echo $((1 << 3))\n", 0),
    ],
)
def test_here_documents_are_found_by_their_line(text, line):
    assert here_document(text) == line


def test_buildah_and_here_documents(places):
    project, directory = places
    write_files(project, {"Dockerfile": "FROM x\nRUN <<EOF\necho\nEOF\n"})

    assert prepare(project, "Dockerfile", directory, "buildkit").note == ""
    with pytest.raises(BuildError, match="Line 2 of Dockerfile has a here-document") as raised:
        prepare(project, "Dockerfile", directory, "buildah")
    assert (raised.value.reason, raised.value.step) == (Reason.DOCKERFILE_INVALID, "RUN <<EOF")


@pytest.mark.parametrize(
    ("first", "kept"),
    [
        ("# syntax=docker/dockerfile:1", False),
        ("#syntax = docker.io/docker/dockerfile:1.7.0", False),
        ("# syntax=docker/dockerfile", False),
        ("# syntax=docker/dockerfile:latest", False),
        (f"# syntax=docker/dockerfile:1@sha256:{'0a' * 32}", False),
        (f"# syntax=docker.io/docker/dockerfile:1.7.0@sha256:{'0a' * 32}", False),
        ("# syntax=docker/dockerfile:1.7-labs", True),
        ("# syntax=docker/dockerfile:1-labs", True),
        ("# syntax=example.com/frontend:1", True),
        ("# escape=`", True),
    ],
)
def test_a_frontend_that_is_built_in_is_not_pulled(first, kept):
    text, note = without_syntax(f"{first}\nFROM x\n")

    assert (text.splitlines()[0] == first) is kept
    assert len(text.splitlines()) == 2  # lines keep their numbers
    assert bool(note) is not kept


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ("# check=error=true\n", False),
        ("# escape=`\r\n# check=skip=all\r\n", False),
        ("# only words\n", True),
        ("\n", True),
        ("FROM x\n", True),
    ],
)
def test_a_syntax_line_may_stand_behind_other_directives(before, kept):
    given = f"{before}# syntax=docker/dockerfile:1\nFROM x\n"
    text, note = without_syntax(given)
    assert (text == given) is kept
    assert text.count("\n") == given.count("\n"), "lines keep their numbers"
    assert bool(note) is not kept


def test_a_huge_dockerfile_is_refused(places):
    write_files(places[0], {"Dockerfile": "#" * (1 << 20) + "\n"})

    with pytest.raises(BuildError, match="larger than 1 MiB"):
        prepare(places[0], "Dockerfile", places[1], "buildkit")
