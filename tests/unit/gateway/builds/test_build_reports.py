"""What a build's pod may say."""

import json

import pytest

from serviceexecution.gateway.builds.reports import (
    INPUT_SCHEMA_LIMIT,
    LONGEST_MESSAGE,
    LONGEST_STEP,
    OUTPUT_SCHEMA_LIMIT,
    parse_report,
)
from serviceexecution.gateway.http.problems import Problem
from tests.unit.gateway.builds.build_harness import REPORT


def parsed(**members):
    return parse_report(json.dumps({**REPORT, **members}).encode(), "job")


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"succeeded": False, "reason": "StepFailed", "imageDigest": None, "step": "RUN make"},
        {
            "succeeded": False,
            "reason": "GitFailed",
            "imageDigest": None,
            "sourceDigest": None,
            "seconds": None,
        },
        {"commit": "0123456789abcdef0123456789abcdef01234567"},
        {"commit": "ab" * 32},
        {"inputSchema": None},
        {"inputSchema": {}},
        {"imageBytes": 0},
        {"imageBytes": 2**63 - 1},
        {"of a newer version": [1]},
        {"seconds": {"push": 1, "of a newer version": 2}},
        {"inputSchema": {"default": 1e300}},
    ],
)
def test_a_good_report_of_a_build_is_taken(members):
    report = parsed(**members)
    assert report.job_uid == "job"
    assert report.succeeded == (report.reason == "Succeeded")


@pytest.mark.parametrize(
    ("field", "members"),
    [
        ("reason", {"reason": "StepFailed"}),
        ("reason", {"succeeded": False, "imageDigest": None}),
        ("reason", {"succeeded": False, "reason": "two words"}),
        ("reason", {"succeeded": False, "reason": "A" * 65}),
        ("reason", {"succeeded": False, "reason": ""}),
        ("reason", {"succeeded": False, "reason": None}),
        ("imageDigest", {"imageDigest": None}),
        ("imageDigest", {"imageDigest": ""}),
        ("imageDigest", {"imageDigest": "cd" * 32}),
        ("imageDigest", {"imageDigest": "sha256:" + "CD" * 32}),
        ("imageDigest", {"imageDigest": "sha256:" + "cd" * 32 + "\n"}),
        ("imageDigest", {"imageDigest": "sha256:" + "cd" * 32 + "@sha256:" + "ef" * 32}),
        ("sourceDigest", {"sourceDigest": "main"}),
        ("commit", {"commit": "main"}),
        ("commit", {"commit": "0123456"}),
        ("imageBytes", {"imageBytes": -1}),
        ("imageBytes", {"imageBytes": 2**63}),
        ("imageBytes", {"imageBytes": 1.5}),
        ("inputSchema", {"inputSchema": []}),
        ("inputSchema", {"inputSchema": "{}"}),
        ("inputSchema", {"inputSchema": True}),
        ("outputSchema", {"outputSchema": [1]}),
        ("inputSchema", {"inputSchema": {"description": "x" * INPUT_SCHEMA_LIMIT}}),
        ("outputSchema", {"outputSchema": {"description": "ü" * (OUTPUT_SCHEMA_LIMIT // 2)}}),
        ("inputSchema", {"inputSchema": {"a": [{"default": 10**400}]}}),
        ("inputSchema", {"inputSchema": {"default": -1e305}}),
        ("seconds.build", {"seconds": {"build": -1}}),
        ("seconds.build", {"seconds": {"build": "long"}}),
        ("succeeded", {"succeeded": "perhaps"}),
        ("message", {"message": {}}),
    ],
)
def test_a_bad_report_of_a_build_is_refused_with_its_field(field, members):
    with pytest.raises(Problem) as refusal:
        parsed(**members)
    assert (refusal.value.status, refusal.value.code) == (400, "InvalidReport")
    assert refusal.value.detail.startswith(f"{field}"), refusal.value.detail


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b'"Succeeded"',
        b'{"inputSchema": ' + b'{"a":' * 100_000,
        json.dumps(REPORT).replace('"build": 12', '"build": NaN').encode(),
        json.dumps(REPORT).replace("1.5", "NaN").encode(),
        json.dumps(REPORT).replace("1.5", "1e999").encode(),
        json.dumps(REPORT).replace('"type"', '"\\ud800"').encode(),
    ],
)  # fmt: skip
def test_bodies_that_are_no_report(body):
    with pytest.raises(Problem) as refusal:
        parse_report(body, "job")
    assert (refusal.value.status, refusal.value.code) == (400, "InvalidReport")


def test_texts_are_cut_and_made_one_line():
    failed = {"succeeded": False, "reason": "StepFailed", "imageDigest": None}
    report = parsed(
        **failed, message=f"  a\x1b[31m\r\nb\u2028c\x00{'d' * 5000}", step="RUN \\\n  make" + "x" * 999
    )
    assert report.message.startswith("a [31m b c d")
    assert len(report.message) == LONGEST_MESSAGE
    assert report.message.endswith("…")
    assert report.step.startswith("RUN \\   make")
    assert len(report.step) == LONGEST_STEP
    assert parsed(**failed, step=" \n").step is None
