import pytest

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.project.python_project import look_at
from tests.unit.builder.support import write_files

ENTRY = "user_code.src.program:run"
PROGRAM = {"src/program.py": "def run(): ...\n"}
INDEX = "--index" + "-url"
"""The long spelling of -i."""


def project(tmp_path, requirements="", **files):
    return write_files(tmp_path, {"requirements.txt": requirements, **PROGRAM, **files})


def look(tmp_path, requirements="", **files):
    return look_at(project(tmp_path, requirements, **files), ENTRY)


def test_a_small_project_is_recognised(tmp_path):
    found = look(tmp_path, "numpy==2.1\n")

    assert found.requirement_files == ("requirements.txt",)
    assert not found.needs_project
    assert found.libraries == ("qhub-commons",)


@pytest.mark.parametrize(
    ("source", "libraries"),
    [
        ("from planqk.commons.parameters import DataPool", ("planqk-commons",)),
        ("from planqk.commons import parameters", ("planqk-commons",)),
        ("from planqk import commons", ("planqk-commons",)),
        ("import planqk.commons.parameters as p", ("planqk-commons",)),
        ("if True:\n    import json, planqk.commons", ("planqk-commons",)),
        ("import qhub.commons", ("qhub-commons",)),
        ("import qhub.commons\nimport planqk.commons", ("qhub-commons", "planqk-commons")),
        # the platform's other packages are no libraries of the container
        ("from planqk.service.client import PlanqkServiceClient", ("qhub-commons",)),
        ("# from planqk.commons import x", ("qhub-commons",)),
        ("text = 'planqk.commons'", ("qhub-commons",)),
    ],
)
def test_the_library_that_is_imported(tmp_path, source, libraries):
    assert look(tmp_path, **{"src/other.py": source}).libraries == libraries


@pytest.mark.parametrize(
    "line",
    [
        "qhub-commons",
        "planqk_commons==1.32.1",
        "PlanQK.Commons>=1",
        "qhub-commons[x] ; python_version > '3'",
        "qhub-commons  # why",
    ],
)
def test_a_library_that_the_project_names_is_enough(tmp_path, line):
    found = look(tmp_path, f"numpy\n{line}\n", **{"src/other.py": "import planqk.commons"})

    assert found.libraries == ()


def test_a_library_in_an_included_file_is_enough(tmp_path):
    files = {
        "requirements/base.txt": "-r more.txt\n-c ../limits.txt",
        "requirements/more.txt": "qhub-commons",
    }

    found = look(tmp_path, "-r requirements/base.txt\n", **files, **{"limits.txt": ""})

    assert found.requirement_files == (
        "requirements.txt",
        "requirements/base.txt",
        "requirements/more.txt",
        "limits.txt",
    )
    assert found.libraries == ()
    assert not found.needs_project


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "./wheels/x-1.0-py3-none-any.whl",
        ".",
        "wheels/x-1.0-py3-none-any.whl",
        "x @ file:///app/user_code/x",
        "x @ ./x",
        "x @ libs/x",
        "libs/x",
        "libs/x[more]; python_version > '3'",
        "--find-links wheels",
        "-f wheels",
        "file:x.tar.gz",
    ],
)
def test_requirements_of_the_project_s_own_files(tmp_path, line):
    assert look(tmp_path, line).needs_project


@pytest.mark.parametrize(
    "line",
    [
        "x @ https://example.com/x-1.0-py3-none-any.whl",
        "x @ git+https://example.com/x.git",
        "git+https://example.com/x.git@main",
        "--extra-index-url https://x",
        "# ./x",
        "",
    ],
)
def test_requirements_from_elsewhere_need_no_project(tmp_path, line):
    assert not look(tmp_path, line).needs_project


def test_files_that_include_each_other(tmp_path):
    found = look(
        tmp_path,
        "-r a.txt",
        **{"a.txt": "-r requirements.txt\n-r a.txt\n-r ../../etc/passwd\n-r missing.txt"},
    )

    assert found.requirement_files == ("requirements.txt", "a.txt")


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        ("user_code.src.program:run", {"src/program.py": ""}),
        ("user_code.main:go", {"main.py": ""}),
        ("user_code.src.program:run", {"src/program/__init__.py": ""}),
        ("user_code:run", {"__init__.py": ""}),
        ("installed.package:run", {}),
    ],
)
def test_entry_points_are_found_in_the_source(tmp_path, entry, files):
    found = look_at(write_files(tmp_path, {"requirements.txt": "", **files}), entry)
    assert found.requirement_files == ("requirements.txt",)


@pytest.mark.parametrize(
    ("entry", "file"),
    [(ENTRY, "src/program.py"), ("user_code.x:run", "x.py"), ("user_code:f", "__init__.py")],
)
def test_an_entry_point_without_its_file(tmp_path, entry, file):
    with pytest.raises(BuildError) as raised:
        look_at(write_files(tmp_path, {"requirements.txt": ""}), entry)

    assert raised.value.reason is Reason.ENTRY_POINT_MISSING
    assert raised.value.message == f"The project has no {file}, which the entry point {entry} names."


def test_a_project_without_requirements_is_refused(tmp_path):
    with pytest.raises(BuildError) as raised:
        look_at(write_files(tmp_path, PROGRAM), ENTRY)

    assert raised.value.reason is Reason.SOURCE_INVALID
    assert raised.value.message == "The project has no requirements.txt; an empty one is enough."


def test_an_archive_of_the_folder_in_place_of_what_is_in_it(tmp_path):
    write_files(tmp_path, {"project/requirements.txt": "", "project/src/program.py": "", "README": ""})

    with pytest.raises(
        BuildError, match=r"no requirements.txt at its root, but project/ has \(spec.source.subPath"
    ):
        look_at(tmp_path, ENTRY)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_requirements_that_powershell_wrote_are_read_as_pip_reads_them(tmp_path, encoding, end):
    text = end.join(["-r base.txt", "planqk-commons\\", "==1.32.0", ""])
    root = project(tmp_path, **{"base.txt": "idna==3.7"})
    if encoding.endswith("-bom"):
        text, encoding = "\ufeff" + text, encoding.removesuffix("-bom")
    (root / "requirements.txt").write_bytes(text.encode(encoding))
    found = look_at(root, ENTRY)
    assert found.requirement_files == ("requirements.txt", "base.txt")
    assert found.libraries == (), "the project names one"
    assert not found.needs_project


def test_a_local_requirement_in_utf_16_is_seen(tmp_path):
    root = project(tmp_path)
    (root / "requirements.txt").write_bytes("-e .\r\n".encode("utf-16"))
    assert look_at(root, ENTRY).needs_project


@pytest.mark.parametrize(
    ("requirements", "one"),
    [
        ("idna\n", True),
        (f"{INDEX} https://a/simple\nidna\n", True),
        ("-i https://a/simple\n", True),
        ("--extra-index-url https://a/simple\nidna\n", False),
        ("--extra-index-url=https://a/simple\n", False),
        ("-r more.txt\n", False),
        ("-r https://a/requirements.txt\n", False),
        ("-c https://a/constraints.txt\n", False),
        ("--find-links wheels\n", False),
        ("-f https://a/wheels\n", False),
        (f"{INDEX} https://a\n{INDEX} https://b\n", False),
    ],
)
def test_a_project_tells_whether_its_packages_come_from_one_index(tmp_path, requirements, one):
    """pip asks all of them, so that it is not tried where there are several."""
    more = "--extra-index-url https://a/simple\n"
    assert look(tmp_path, requirements, **{"more.txt": more}).one_index is one


def test_a_project_with_settings_of_uv_has_indexes_that_pip_does_not_know(tmp_path):
    settings = "[tool.uv]\nextra-index-url = ['https://a']\n"
    assert not look(tmp_path, "idna\n", **{"pyproject.toml": settings}).one_index


@pytest.mark.parametrize("named", ['"the base.txt"', "'the base.txt'", "the\\ base.txt"])
def test_an_included_file_may_be_named_as_in_a_shell(tmp_path, named):
    (tmp_path / "the base.txt").write_text("planqk-commons")
    found = look(tmp_path, f"-r {named}")
    assert (found.requirement_files, found.libraries) == (("requirements.txt", "the base.txt"), ())


def test_a_quote_that_is_not_closed_names_no_file(tmp_path):
    assert look(tmp_path, '-r "base.txt').requirement_files == ("requirements.txt",)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_comment_that_ends_with_a_backslash_hides_nothing(tmp_path, end):
    (tmp_path / "base.txt").write_text("planqk-commons")
    found = look(tmp_path, f"numpy \\{end}  ==2.0{end}# As on Windows: C:\\data\\{end}-r base.txt")
    assert (found.requirement_files, found.libraries) == (("requirements.txt", "base.txt"), ())
