# ruff: noqa: E501 - sentences and attacks stand on one line
"""What uv really printed (data/uv), and what is made of it."""

import pytest

from serviceexecution.builder.failures.errors import Reason
from serviceexecution.builder.failures.install_failures import PIP_TRIES, install_failure, without_hints
from serviceexecution.launcher.pip_install import BEGIN, GAVE_UP
from tests.unit.builder.support import data_lines

SENTENCES = {
    "nopackage": (
        Reason.REQUIREMENT_NOT_FOUND,
        "The requirement nosuchpackage-zzqx does not exist in the package index.",
    ),
    "noversion": (
        Reason.REQUIREMENT_NOT_FOUND,
        "The requirement requests==99.1 does not exist in the package index: there is no such version.",
    ),
    "noabi": (
        Reason.REQUIREMENT_NOT_FOUND,
        "The requirement torch==1.7.0 has no file that fits this Python and machine.",
    ),
    "nowheel": (
        Reason.REQUIREMENT_NOT_FOUND,
        "The requirement docopt==0.6.2 has no file that fits this Python and machine.",
    ),
    "conflict": (
        Reason.REQUIREMENTS_CONFLICT,
        (
            "The requirements conflict with each other: botocore==1.29.0 depends on urllib3>=1.25.4,<1.27 and the project "
            "requires urllib3==2.5.0; the project requires botocore==1.29.0."
        ),
    ),
    "conflict2": (
        Reason.REQUIREMENTS_CONFLICT,
        "The requirements conflict with each other: the project requires pydantic==2.9.0 and pydantic==2.10.0.",
    ),
    "conflict3": (
        Reason.REQUIREMENTS_CONFLICT,
        (
            "The requirements conflict with each other: planqk-commons>=1.32.1 depends on pydantic>=2.5.0,<2.10 and the "
            "project requires planqk-commons==1.32.1; the project requires pydantic>=2.10."
        ),
    ),
    "newerpython": (
        Reason.REQUIREMENTS_CONFLICT,
        (
            "ipython==9.11.0 needs Python>=3.12, and this image has Python 3.11.7: use another version of it, or of Python "
            "(spec.runtime.python.version)."
        ),
    ),
    "newerpython2": (
        Reason.REQUIREMENTS_CONFLICT,
        (
            "networkx==3.7 needs Python>=3.12,<3.14.1, and this image has Python 3.11.7: use another version of it, or of "
            "Python (spec.runtime.python.version)."
        ),
    ),
    "badsyntax": (
        Reason.INSTALL_FAILED,
        "bad.txt has a line that is not a requirement: Unexpected end of version specifier, expected version requests==.",
    ),
    "badsyntax2": (Reason.INSTALL_FAILED, "bad2.txt has a line that is not a requirement: Expected one of "),
    "missinginclude": (
        Reason.INSTALL_FAILED,
        "The requirements name missing.txt, which the project does not have.",
    ),
    "missinglocal": (
        Reason.INSTALL_FAILED,
        "The requirements name nothere, which the project does not have.",
    ),
    "buildfail": (
        Reason.INSTALL_FAILED,
        "a requirement could not be built from its source: no compiler here.",
    ),
    "nopython": (
        Reason.INSTALL_FAILED,
        "numpy==1.16.0 could not be built from its source: NameError: name 'CCompiler' is not defined.",
    ),
    "away": (
        Reason.INSTALL_FAILED,
        "could not be reached while the requirements were installed: Connection refused",
    ),
    "away2": (Reason.INSTALL_FAILED, "https://index.invalid/simple/requests/ could not be reached while"),
    "compiler": (
        Reason.INSTALL_FAILED,
        "inner-zq==1.0 could not be built from its source: it needs /nonexistent-gcc, which the image of the build does not have. Take a version that has a wheel for this Python, or build the service with a Dockerfile.",
    ),
    "hash": (
        Reason.INSTALL_FAILED,
        f"requests==2.31.0 has another hash than the requirements give: they give sha256:{'0' * 64}, and the index has sha256:58cd2187c01e70e6e26505bca751777aa9f2ee0b7f4300988b709f44e013003f.",
    ),
    "hashmissing": (
        Reason.INSTALL_FAILED,
        "The requirements could not be installed: In `--require-hashes` mode, all requirements must have their versions pinned with `==`, but found: idna.",
    ),
    "firstindex": (
        Reason.REQUIREMENT_NOT_FOUND,
        "The requirement idna is only available as ==2.0. idna is taken from http://127.0.0.1:8765/a/, the first index that has it. If all indexes are trusted alike, set spec.runtime.python.indexStrategy to BestMatch.",
    ),
    "gitaway": (
        Reason.INSTALL_FAILED,
        "The repository of x @ git+https://127.0.0.1:1/none.git could not be fetched: fatal: unable to access 'https://127.0.0.1:1/none.git/': Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server.",
    ),
    "nogit": (
        Reason.INSTALL_FAILED,
        "The requirements name a Git repository, and the image of the build has no git: name an archive of the commit, such as https://git.example.com/team/project/archive/COMMIT.tar.gz.",
    ),
    "gone": (
        Reason.INSTALL_FAILED,
        "The requirements name https://files.index.example/packages/none-1.0-py3-none-any.whl, which does not exist (404).",
    ),
    "noproject": (
        Reason.INSTALL_FAILED,
        "The requirements could not be installed: `ed` does not appear to be a Python project, as neither `pyproject.toml` nor `setup.py` are present in the directory.",
    ),
    "full": (Reason.INSTALL_FAILED, "The build's pod has no space left for the requirements."),
    "unauthorized": (Reason.INSTALL_FAILED, "The package index refuses the credentials, or requires some: "),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_uv_s_own_words_become_a_reason_and_a_sentence(name):
    reason, sentence = SENTENCES[name]

    found = install_failure(data_lines("uv", name))

    assert found is not None
    assert found[0] is reason
    assert sentence in found[1]
    if sentence.endswith("."):
        assert found[1].startswith(sentence)


def test_uv_s_form_for_terminals():
    lines = [
        "  × No solution found when resolving dependencies:",  # noqa: RUF001
        "  ╰─▶ Because nosuch was not found in the package registry and you require nosuch, we can",
        "      conclude that your requirements are unsatisfiable.",
    ]

    assert install_failure(lines) == (
        Reason.REQUIREMENT_NOT_FOUND,
        "The requirement nosuch does not exist in the package index.",
    )


def test_a_requirement_of_a_requirement_says_whose():
    lines = [
        "error: No solution found when resolving dependencies",
        (
            "  cause: Because inner was not found in the package registry and outer==1.0 depends on inner, we can conclude "
            "that outer==1.0 cannot be used."
        ),
        "         And because you require outer==1.0, we can conclude that your requirements are unsatisfiable.",
    ]

    found = install_failure(lines)

    assert found == (
        Reason.REQUIREMENT_NOT_FOUND,
        (
            "The requirement inner does not exist in the package index (inner was not found in the package registry and "
            "outer==1.0 depends on inner; the project requires outer==1.0)."
        ),
    )


def test_credentials_in_addresses_are_left_out():
    lines = [
        "error: Failed to fetch: `https://me:hunter2@index.invalid/simple/x/`",
        "  cause: Connection refused",
    ]

    found = install_failure(lines)

    assert found is not None
    assert "hunter2" not in found[1]


HINT = [
    "  hint: Build failures usually indicate a problem with the package or the build environment, and are",
    "        described in the documentation of the package itself",
]


@pytest.mark.parametrize("name", [name for name in SENTENCES if name != "unauthorized"])
def test_a_sentence_is_never_a_part_of_a_hint(name):
    """However long the hint is, and wherever the terminal breaks it."""
    lines = data_lines("uv", name)

    assert install_failure([*lines, *HINT]) == install_failure(lines)


def test_an_output_of_which_only_a_hint_is_left_says_nothing():
    assert install_failure(HINT) is None
    assert without_hints(["exit", *HINT]) == ["exit"]


@pytest.mark.parametrize("name", ["conflict", "compiler", "hash"])
def test_where_pip_failed_after_uv_the_sentence_is_of_uv(name):
    after = [PIP_TRIES, "Collecting idna", "ERROR: ResolutionImpossible: for help visit a page", GAVE_UP]
    lines = data_lines("uv", name)
    alone = install_failure(lines)

    found = install_failure([*lines, *after])

    assert alone is not None
    assert found == (alone[0], f"{alone[1]} pip could not install them either.")


def test_a_pip_that_was_not_tried_is_not_named():
    lines = data_lines("uv", "conflict")
    refused = "serviceexecution: pip is not tried, since it knows no find-links in uv.toml."

    assert install_failure([*lines, refused]) == install_failure(lines)


def test_builder_and_launcher_have_the_same_words():
    assert PIP_TRIES == BEGIN


def test_what_is_not_uv_s():
    assert install_failure(["Traceback (most recent call last):", "ValueError"]) is None
