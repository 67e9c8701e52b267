"""From a secret's name to its variable: the table was taken from the in-container libraries."""

import os
import subprocess
import sys

import pytest

from serviceexecution.contract.input.secret_names import (
    MAX_ARGUMENT_BYTES,
    check_secret_names,
    check_secret_value,
    secret_value_limit,
    secret_variable,
)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("api_token", "SECRET_API_TOKEN"),
        ("ibmToken", "SECRET_IBM_TOKEN"),
        ("iqm_token", "SECRET_IQM_TOKEN"),
        ("API_KEY", "SECRET_API_KEY"),
        ("APIKEY", "SECRET_APIKEY"),
        ("APIKey", "SECRET_A_P_I_KEY"),
        ("Token", "SECRET_TOKEN"),
        ("TOKEN2", "SECRET_TOKEN2"),
        ("token2", "SECRET_TOKEN2"),
        ("token2Go", "SECRET_TOKEN2_GO"),
        ("_token", "SECRET__TOKEN"),
        ("_Token", "SECRET___TOKEN"),
        ("my_Token", "SECRET_MY__TOKEN"),
        ("a", "SECRET_A"),
        ("A", "SECRET_A"),
        ("aB", "SECRET_A_B"),
        ("123", "SECRET_123"),
        ("1_2", "SECRET_1_2"),
        ("api-token", "SECRET_API-TOKEN"),
        ("API-TOKEN", "SECRET_API-TOKEN"),
        ("api.token", "SECRET_API.TOKEN"),
        ("aÄb", "SECRET_AÄB"),
        ("ºA", "SECRET_º_A"),
        ("straße", "SECRET_STRASSE"),
        ("aB\nC", "SECRET_A_B\n_C"),
    ],
)
def test_variable_of_a_name(name: str, variable: str) -> None:
    assert secret_variable(name) == variable


def test_good_names_have_no_problem() -> None:
    assert check_secret_names(["api_token", "ibmToken", "api-token", "API.KEY"]) == ()
    assert check_secret_names([]) == ()


def test_two_names_of_one_variable() -> None:
    (problem,) = check_secret_names(["apiToken", "api_token", "other"])
    assert problem.path == 'spec.secrets["api_token"]'
    assert '"apiToken"' in problem.message
    assert '"api_token"' in problem.message
    assert "SECRET_API_TOKEN" in problem.message


@pytest.mark.parametrize("name", ["", "a=b", "a\0b", "my token", "aÄb", "a\nb", "a/b"])
def test_names_that_make_no_variable(name: str) -> None:
    (problem,) = check_secret_names([name])
    assert problem.path.startswith("spec.secrets[")
    assert problem.message.isprintable()


def test_a_variable_that_the_environment_sets_already() -> None:
    (problem,) = check_secret_names(["token"], taken={"SECRET_TOKEN"})
    assert "spec.env" in problem.message


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_the_value_limit_is_the_kernels() -> None:
    limit = secret_value_limit("apiToken")
    assert limit == MAX_ARGUMENT_BYTES - len("SECRET_API_TOKEN=") - 1
    if os.sysconf("SC_PAGE_SIZE") != 4096:
        pytest.skip("the kernel's limit is 32 pages, here they are larger")
    subprocess.run(["/bin/true"], env={secret_variable("apiToken"): "x" * limit}, check=True)
    with pytest.raises(OSError, match="too long"):
        subprocess.run(["/bin/true"], env={secret_variable("apiToken"): "x" * (limit + 1)}, check=True)


def test_values_of_secrets_are_bounded_and_never_shown() -> None:
    assert check_secret_value("token", "x" * secret_value_limit("token")) is None
    assert check_secret_value("token", b"x" * secret_value_limit("token")) is None
    too_long = check_secret_value("token", "geheim" * 30_000)
    assert too_long is not None
    assert "180,000" in too_long.message
    for value in ("geheim\0", b"geheim\0"):
        with_nul = check_secret_value("token", value)
        assert with_nul is not None
        assert "geheim" not in with_nul.message
    # the limit counts bytes, not characters
    assert check_secret_value("token", "ä" * (secret_value_limit("token") // 2 + 1)) is not None
