"""Texts that are no text, and times that are none: what cannot be written or computed stops no answer."""

import json
from http import HTTPStatus

import pytest

from serviceexecution.contract.input.submission import parse_submission
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.contract.problems import InputError
from serviceexecution.gateway.collect.pool_claims import pool_claims
from serviceexecution.gateway.http.problems import Problem, response_of
from serviceexecution.gateway.platform_api.jobs.job_body import job_body
from serviceexecution.gateway.service_api.submission.nested_input import changes
from serviceexecution.resources.access_key import ANNOTATION_EXPIRES, SECRET_TYPE, access_key


@pytest.mark.parametrize(
    "body",
    [
        b'{"$tags": ["\\ud800"]}',
        b'{"$tags": ["ok", "\\udfff\\ud800"]}',
        b'{"$secrets": {"token": "\\ud800"}}',
        b'{"\\ud800": 1}',
        b'{"pool": {"ref": "DATAPOOL", "id": "\\ud800"}}',
    ],
)
def test_half_a_surrogate_pair_is_refused_where_it_becomes_a_text_of_an_object(body):
    """A tag of that kind was answered with 500, and would have been in the way of the list of its service."""
    with pytest.raises(InputError):
        parse_submission(body)


@pytest.mark.parametrize("read", [changes, lambda body: job_body(body[:-1] + b', "serviceId": "s"}')])
def test_so_it_is_in_the_tags_of_what_is_run_again_and_of_jobs(read):
    with pytest.raises(Problem) as refused:
        read(b'{"tags": ["\\ud800"]}')
    assert (refused.value.status, refused.value.members) == (400, {"path": "$.tags"})
    assert read(b'{"tags": ["\\ud83d\\ude00"]}')


def test_what_a_pod_says_of_a_data_pool_can_be_kept_and_shown():
    """Its commit was answered with 500, again and again."""
    said = pool_claims([{"property": "numbers", "reason": "NotKept", "message": "a\ud800\x1b[2J\nb"}])
    assert said["numbers"].message == "a��[2J b"


def test_a_refusal_may_repeat_it():
    """Such as the id of a service that does not exist: it was answered with 500."""
    answer = response_of(Problem(HTTPStatus.NOT_FOUND, "ServiceNotFound", "There is no service \ud800."))
    assert json.loads(bytes(answer.body))["detail"] == "There is no service \ud800."


def test_a_whole_pair_and_values_with_half_of_one_pass():
    """Values are files, and go byte for byte."""
    found = parse_submission(b'{"$tags": ["\\ud83d\\ude00"], "value": "\\ud800"}')
    assert (found.tags, found.properties) == (("\U0001f600",), {"value": '"\\ud800"'})


def test_an_access_key_whose_end_is_no_time_of_ours_is_none():
    """An annotation of that kind was answered with 500 by the token endpoint."""
    secret: JsonObject = {
        "type": SECRET_TYPE,
        "metadata": {"uid": "u", "annotations": {ANNOTATION_EXPIRES: "0001-01-01T00:00:00+14:00"}},
        "data": {"serviceAccount": "YQ==", "salt": "YQ==", "hash": "YQ=="},
    }
    assert access_key(secret) is None
