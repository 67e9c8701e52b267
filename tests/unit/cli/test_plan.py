"""What a folder and its sx.yaml become."""

import pytest

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.project.names import checked_name, name_of_folder
from serviceexecution.cli.project.plan import RuntimeKind, make_plan, manifest
from serviceexecution.cli.project.project_file import ProjectFile, parse_project_file


def project(text):
    return parse_project_file(text.encode())


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "My_Plot"
    found.mkdir()
    return found


def add(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


def test_the_kind_is_seen(folder):
    with pytest.raises(CommandError, match=r"holds neither src/program.py nor a Dockerfile"):
        make_plan(folder, ProjectFile())
    add(folder, "src/program.py")
    assert make_plan(folder, ProjectFile()).kind is RuntimeKind.PYTHON
    add(folder, "Dockerfile")
    with pytest.raises(CommandError, match="holds both"):
        make_plan(folder, ProjectFile())
    assert make_plan(folder, ProjectFile(), runtime="docker").kind is RuntimeKind.DOCKER
    assert make_plan(folder, project("spec: {runtime: {python: }}")).kind is RuntimeKind.PYTHON


def test_the_kind_is_looked_for_where_the_project_is(folder):
    add(folder, "service/Dockerfile", "src/program.py")
    found = make_plan(folder, project("spec: {source: {subPath: service}}"))
    assert found.kind is RuntimeKind.DOCKER
    assert found.dockerfile == "service/Dockerfile"


def test_file_and_option_may_not_differ(folder):
    with pytest.raises(CommandError, match=r"says spec.runtime is docker"):
        make_plan(folder, project("spec: {runtime: {docker: {build: {}}}}"), runtime="python")


@pytest.mark.parametrize(
    ("option", "text", "name"),
    [("a", "metadata: {name: b}", "a"), ("", "metadata: {name: b}", "b"), ("", "", "my-plot")],
)
def test_a_service_s_name_comes_from_option_file_or_folder(folder, option, text, name):
    add(folder, "Dockerfile")
    assert make_plan(folder, project(text), name=option).name == name


@pytest.mark.parametrize("name", ["A", "a_b", "-a", "a-", "", "a" * 64, "a.b", "ä"])
def test_a_bad_name_names_its_field(name):
    with pytest.raises(CommandError, match=r"^--name: .* is not a name for Kubernetes"):
        checked_name(name, field="--name")


def test_a_folder_of_which_no_letter_is_left():
    assert name_of_folder("-My  Ünit 2-") == "my-nit-2"
    with pytest.raises(CommandError, match="give one with --name"):
        name_of_folder("___")


def test_the_manifest_is_what_the_file_says_with_the_source(folder):
    add(folder, "Dockerfile")
    text = """
metadata: {name: x, namespace: other, labels: {a: b}}
spec:
  runtime: {docker: {command: [x], build: {target: t, args: {A: "1"}}}}
  source: {subPath: ""}
  build: {timeout: 1h}
  resources:
    limits:
"""
    plan = make_plan(folder, project(text))
    assert manifest(plan, "team-a", digest="00ff", build_token="t") == {  # noqa: S106
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceDefinition",
        "metadata": {"name": "x", "namespace": "team-a", "labels": {"a": "b"}},
        "spec": {
            "runtime": {
                "docker": {
                    "command": ["x"],
                    "build": {"dockerfile": "Dockerfile", "target": "t", "args": {"A": "1"}},
                }
            },
            "source": {"subPath": "", "archive": {"digest": "sha256:00ff"}},
            "build": {"timeout": "1h", "token": "t"},
            "resources": {},
        },
    }


def test_git_of_the_file_and_of_the_options(folder):
    text = "spec: {runtime: {python: }, source: {git: {url: https://a, ref: v1, secretRef: {name: s}}}}"
    plan = make_plan(folder, project(text))
    assert manifest(plan, "n")["spec"]["source"] == {
        "git": {"url": "https://a", "ref": "v1", "secretRef": {"name": "s"}}
    }
    plan = make_plan(folder, project(text), git_url="https://b")
    assert manifest(plan, "n")["spec"]["source"]["git"]["url"] == "https://b"
    assert not plan.packs
    with pytest.raises(CommandError, match="--ref names"):
        make_plan(folder, ProjectFile(), git_ref="x")
    with pytest.raises(CommandError, match="Say with --runtime python or"):
        make_plan(folder, ProjectFile(), git_url="https://b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is no YAML"),
        ("[]", "sx.yaml must hold fields"),
        ("name: x", "name is not one of apiVersion, kind, metadata, spec"),
        ("kind: Pod", "kind must be ServiceDefinition"),
        ("apiVersion: v1", "apiVersion must be serviceexecution.dev/v1alpha1"),
        ("metadata: {uid: x}", "metadata.uid is not one of"),
        (
            "spec: {source: {archive: {digest: x}}}",
            "spec.source.archive is not one of git, subPath; sx deploy sets it",
        ),
        ("spec: {revision: r1}", "spec.revision is set by sx rollback"),
        ("spec: 1", "spec must hold fields"),
    ],
)
def test_a_wrong_file_names_the_field(text, message):
    with pytest.raises(CommandError, match=message):
        project(text)


def test_a_project_of_both_runtimes_is_refused(folder):
    with pytest.raises(CommandError, match="holds both python and docker"):
        make_plan(folder, project("spec: {runtime: {python: {}, docker: {}}}"))


def test_an_empty_file_says_nothing():
    assert project("") == ProjectFile()
