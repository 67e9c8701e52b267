"""The chart's admission policies on a real API server: what they say, what they let through, and what they cost.

Everything is a dry run, which passes admission like a real request.
"""

import json
import subprocess
import time
import uuid

import pytest
import yaml

from tests.cluster.fenced import execution
from tests.cluster.kubectl import kubectl, must
from tools import ROOT

pytestmark = pytest.mark.cluster


def submit(**spec: object) -> subprocess.CompletedProcess[str]:
    return kubectl("create", "--dry-run=server", "-f", "-", stdin=execution(**spec))


def pool(name: str) -> dict[str, object]:
    return {name: {"persistentVolumeClaim": {"claimName": "claim"}}}


SECRETS = "spec.secrets"
FILES = "spec.input has names that cannot become files: "
FOLDERS = "spec.dataPools has names that cannot become folders: "
OBJECT = "spec.inputJson must be the text of a JSON object"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"input": {"$secrets": {"token": "x"}}}, SECRETS),
        ({"inputJson": '{"$secrets": {"token": "x"}}'}, SECRETS),
        ({"inputJson": '{"a": 1,\n\t"$secrets" : {}}'}, SECRETS),
        ({"input": {"": 1}}, FILES + '""'),
        ({"input": {"a/b": 1}}, FILES + '"a/b"'),
        ({"input": {".hidden": 1}}, FILES + '".hidden"'),
        ({"input": {"data.json": 1, "fine": 2}}, FILES + '"data.json". Each'),
        ({"dataPools": pool("../escape")}, FOLDERS + '"../escape"'),
        ({"dataPools": pool("a:b")}, FOLDERS + '"a:b"'),
        ({"inputJson": "[1]"}, OBJECT),
        ({"inputJson": "\ufeff{}"}, OBJECT),
        ({"inputJson": ""}, OBJECT),
    ],
)
def test_bad_names_are_refused_with_a_sentence(spec, sentence):
    refused = submit(**spec)
    assert refused.returncode != 0
    assert sentence in refused.stderr


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"input": {}},
        {"input": {"größe": 1, "with space": None, "$tags": ["a"], "nested": {"a/b": {".c": 1}}}},
        {"inputJson": ' {"data": "a text about {\\"$secrets\\": 1}", "list": ["$secrets"]}'},
        {"inputFrom": {"configMapRef": {"name": "large-input"}}},
        {"input": {"a": 1}, "dataPools": pool("weights")},
    ],
)
def test_good_names_are_accepted(spec):
    accepted = submit(**spec)
    assert accepted.returncode == 0, accepted.stderr


KIB_256 = 256 * 1024


@pytest.mark.parametrize(
    "spec",
    [
        {"inputJson": '{"a":"' + "x" * (KIB_256 - 8) + '"}'},
        {"inputJson": "{" * KIB_256},
        {"inputJson": '{"a":1,' + " " * (KIB_256 - 7)},
        {"inputJson": " " * (KIB_256 - 2) + "{}"},
        {"input": {"a": "x" * 1_000_000}},
        {"input": {f"property{index}": 1 for index in range(10_000)}},
    ],
    ids=["text", "braces", "trailing space", "leading space", "large value", "many names"],
)
def test_large_inputs_stay_within_the_cost_limits(spec):
    begin = time.monotonic()
    accepted = submit(**spec)
    assert accepted.returncode == 0, accepted.stderr[:2000]
    assert time.monotonic() - begin < 10


def test_many_bad_names_are_refused_quickly():
    begin = time.monotonic()
    refused = submit(input={f"bad.{index}": 1 for index in range(5000)})
    assert "spec.input has names that cannot become files. Each" in refused.stderr
    assert time.monotonic() - begin < 10


def test_policies_fit_the_types_of_the_api_server():
    policies = json.loads(must("get", "validatingadmissionpolicies", "-o", "json"))["items"]
    ours = [policy for policy in policies if policy["metadata"]["name"].startswith("serviceexecution-")]
    installed = yaml.safe_load_all((ROOT / "manifests" / "install.yaml").read_text())
    wanted = {one["metadata"]["name"] for one in installed if one["kind"] == "ValidatingAdmissionPolicy"}
    of_helm_test = {"serviceexecution-test"}  # in no plain manifest
    assert {policy["metadata"]["name"] for policy in ours} | of_helm_test == wanted | of_helm_test
    for policy in ours:
        assert policy["status"]["observedGeneration"] == policy["metadata"]["generation"]
        assert not policy["status"].get("typeChecking", {}).get("expressionWarnings")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "manifests" / "samples").glob("*.yaml")), ids=lambda path: path.stem
)
def test_samples_are_accepted_by_a_real_api_server(path):
    for document in yaml.safe_load_all(path.read_text()):
        # Under names of their own, so that samples that somebody runs here are not in the way.
        document["metadata"]["name"] = f"dry-run-{uuid.uuid4().hex[:8]}"
        must("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=document)


def test_the_install_manifest_is_accepted():
    manifest = str(ROOT / "manifests" / "install.yaml")
    must(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", manifest
    )
