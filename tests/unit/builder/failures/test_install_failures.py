# ruff: noqa: E501 - sentences and attacks stand on one line
"""What uv really printed (data/uv), and what is made of it."""

import pytest

from serviceexecution.builder.failures.errors import Reason
from serviceexecution.builder.failures.install_failures import install_failure
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


def test_what_is_not_uv_s():
    assert install_failure(["Traceback (most recent call last):", "ValueError"]) is None
