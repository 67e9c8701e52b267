"""Receipts: what they say, that they fit their schema, and that they hold no value of an input and no secret."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from serviceexecution.resources.receipt import receipt_of
from serviceexecution.resources.receipt_schema import RECEIPT_SCHEMA

SHA = "a" * 64
FULL: Any = {
    "metadata": {
        "namespace": "default",
        "name": "sum",
        "uid": "5f0c0000-0000-4000-8000-000000000000",
        "creationTimestamp": "2026-11-28T12:00:00Z",
        "annotations": {
            "serviceexecution.dev/submitted-by": "system:serviceaccount:default:access-key-abc",
            "serviceexecution.dev/run-secret": "sum",
        },
    },
    "spec": {
        "serviceRef": {"name": "adder"},
        "inputJson": '{"pin":"hunter2"}',
        "secrets": {"token": {"secretKeyRef": {"name": "sum", "key": "secret-1"}}},
    },
    "status": {
        "phase": "Succeeded",
        "reason": "Succeeded",
        "message": "The program ended with exit code 0.",
        "exitCode": 0,
        "attempts": 2,
        "earlierAttempts": [
            {
                "attempt": 1,
                "reason": "OutOfMemory",
                "message": "It was killed.",
                "counts": True,
                "job": {"name": "j", "uid": "u"},
                "startTime": "2026-11-28T12:00:02Z",
                "endTime": "2026-11-28T12:00:03Z",
                "exitCode": 137,
                "usage": {"cpuSeconds": 0.5, "memoryPeakBytes": 1, "complete": True},
            }
        ],
        "startTime": "2026-11-28T12:00:09Z",
        "completionTime": "2026-11-28T12:00:21Z",
        "inputDigest": SHA,
        "image": "ghcr.io/a/b@sha256:" + SHA,
        "service": {"name": "adder", "uid": "s", "generation": 3, "revision": "r2", "fields": {"env": ["x"]}},
        "times": {
            "admitted": "2026-11-28T12:00:01Z",
            "scheduled": "2026-11-28T12:00:03Z",
            "prepared": "2026-11-28T12:00:04Z",
            "started": "2026-11-28T12:00:09Z",
            "ended": "2026-11-28T12:00:19Z",
        },
        "usage": {
            "waitSeconds": 9,
            "runSeconds": 10,
            "collectSeconds": 2,
            "cpuSeconds": 5.04,
            "memoryPeakBytes": 318484480,
            "readBytes": 0,
            "complete": True,
        },
        "result": {
            "output": '{"sum": "hunter2"}',
            "source": "File",
            "files": [{"name": "output.json", "size": 10, "sha256": SHA, "mediaType": "application/json"}],
            "fileCount": 1,
            "totalBytes": 10,
            "skippedCount": 0,
            "digest": SHA,
        },
        "log": {"bytes": 3, "lines": 1, "truncated": False},
    },
}


def test_a_receipt_says_all_there_is_and_no_value():
    receipt = receipt_of(FULL, "sum")
    jsonschema_rs.validate(RECEIPT_SCHEMA, receipt)
    assert "hunter2" not in json.dumps(receipt)
    assert "secret" not in json.dumps(receipt)
    assert receipt["submittedBy"] == {"kind": "accessKey", "name": "default.abc"}
    assert receipt["service"] == {"name": "adder", "uid": "s", "generation": 3, "revision": "r2"}
    assert receipt["image"] == {"reference": "ghcr.io/a/b", "digest": "sha256:" + SHA}
    phases: Any = receipt["phases"]
    assert [(one["name"], one["seconds"]) for one in phases] == [
        ("queued", 1),
        ("scheduling", 2),
        ("preparing", 1),
        ("pulling", 5),
        ("running", 10),
        ("collecting", 2),
    ]
    assert receipt["usage"] == {
        "cpuSeconds": 5.04,
        "memoryPeakBytes": 318484480,
        "readBytes": 0,
        "complete": True,
    }
    assert (receipt["final"], receipt["attempts"]) == (True, 2)


@pytest.mark.parametrize("status", [{}, None, {"phase": "Running", "startTime": "2026-11-28T12:00:09Z"}])
def test_a_receipt_before_the_end_says_that_it_is_not_final(status):
    receipt = receipt_of({"metadata": FULL["metadata"], "spec": {}, "status": status}, "sum")
    jsonschema_rs.validate(RECEIPT_SCHEMA, receipt)
    assert receipt["final"] is False
    assert "usage" not in receipt


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        ({}, {"kind": "cluster"}),
        ({"serviceexecution.dev/submitted-by": "jane"}, {"kind": "user", "name": "jane"}),
        (
            {"serviceexecution.dev/submitted-by": "system:serviceaccount:a:b"},
            {"kind": "serviceAccount", "name": "system:serviceaccount:a:b"},
        ),
    ],
)
def test_a_receipt_says_who_has_made_the_execution(annotations, said):
    body: Any = {"metadata": {**FULL["metadata"], "annotations": annotations}}
    assert receipt_of(body, "sum")["submittedBy"] == said


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("sha256:" + SHA, {"digest": "sha256:" + SHA}),
        ("docker-pullable://a/b@sha256:" + SHA, {"reference": "a/b", "digest": "sha256:" + SHA}),
        ("a/b:1", {"reference": "a/b:1"}),
    ],
)
def test_images_as_container_runtimes_name_them(image, said):
    body: Any = {"metadata": FULL["metadata"], "status": {"image": image}}
    assert receipt_of(body, "sum")["image"] == said


@pytest.mark.parametrize("odd", [None, 1, "x", [], {"a": 1}, {"started": 3, "ended": {}}])
def test_odd_members_of_a_status_do_no_harm(odd):
    names = ("times", "usage", "result", "service", "earlierAttempts", "image")
    body: Any = {"metadata": FULL["metadata"], "status": dict.fromkeys(names, odd)}
    assert receipt_of(body, "sum")["final"] is False


def test_the_schema_of_the_docs_is_a_schema():
    shown = json.loads((Path(__file__).parents[3] / "docs" / "receipt.schema.json").read_text())
    assert shown == RECEIPT_SCHEMA
    jsonschema_rs.meta.validate(shown)
