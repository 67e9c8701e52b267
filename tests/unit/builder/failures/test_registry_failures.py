# ruff: noqa: E501 - sentences and attacks stand on one line
"""What the tools really printed of pushes that failed (data/push), and what is made of it."""

import pytest

from serviceexecution.builder.failures.errors import Reason
from serviceexecution.builder.failures.registry_failures import is_unclear, push_error
from tests.unit.builder.support import data_lines

IMAGE = "registry.example:5000/x/big:1"
NAME = "The registry registry.example:5000"
SENTENCES = {
    "away": (Reason.REGISTRY_UNAVAILABLE, f"{NAME} cannot be reached or has failed: "),
    "unauthorized": (Reason.REGISTRY_REFUSED, f"{NAME} refuses the login, or requires one: check "),
    "denied": (Reason.REGISTRY_REFUSED, f"{NAME} does not allow pushing {IMAGE}."),
    "unsupported": (Reason.REGISTRY_REFUSED, f"{NAME} is read-only: it does not accept {IMAGE}."),
    "readonly": (Reason.REGISTRY_REFUSED, f"{NAME} is read-only: it does not accept {IMAGE}."),
    "error507": (Reason.REGISTRY_FULL, f"{NAME} has no space left for the image: free some space there."),
    "error500": (Reason.REGISTRY_UNAVAILABLE, f"{NAME} cannot be reached or has failed: "),
}


@pytest.mark.parametrize("builder", ["buildkit", "buildah"])
@pytest.mark.parametrize("name", SENTENCES)
def test_a_failed_push_has_a_reason_and_a_sentence(builder, name):
    reason, sentence = SENTENCES[name]

    error = push_error(IMAGE, data_lines("push", f"{name}.{builder}"))

    assert error.reason is reason
    assert error.message.startswith(sentence)


@pytest.mark.parametrize("builder", ["buildkit", "buildah"])
def test_a_full_registry_shows_only_in_its_own_answer(builder):
    lines = data_lines("push", f"full.{builder}")
    error = push_error(IMAGE, lines)

    assert is_unclear(error, lines)
    answer = '500 {"errors":[{"code":"UNKNOWN","detail":{"Op":"mkdir","Path":"/x","Err":28},"message":"unknown error"}]}'
    assert push_error(IMAGE, lines, answer=answer).reason is Reason.REGISTRY_FULL


@pytest.mark.parametrize("builder", ["buildkit", "buildah"])
@pytest.mark.parametrize("name", ["away", "unauthorized", "denied", "readonly", "error507"])
def test_what_is_clear_is_not_asked_again(builder, name):
    lines = data_lines("push", f"{name}.{builder}")

    assert not is_unclear(push_error(IMAGE, lines), lines)


def test_numbers_in_names_and_digests_are_no_status():
    image = "registry.example:4015/team/api-403:r1"
    lines = [
        (
            f'error: failed to solve: failed to push {image}: failed to do request: Head "http://registry.example:4015/v2/'
            'team/api-403/blobs/sha256:405abc": dial tcp 10.0.0.1:4015: connect: connection refused'
        )
    ]

    error = push_error(image, lines)

    assert error.reason is Reason.REGISTRY_UNAVAILABLE
    assert error.message.endswith(
        "failed to do request: dial tcp 10.0.0.1:4015: connect: connection refused."
    )
