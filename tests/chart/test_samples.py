"""Every sample is a valid resource with a comment that tells what it shows."""

import hashlib
import io
import re
import zipfile

import pytest
import yaml

from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.planning.plan import make_plan
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import ExecutionStatus, TakenService
from serviceexecution.resources.pods.observed import ConfigMapView
from serviceexecution.resources.services.definition import ServiceDefinitionSpec
from serviceexecution.resources.services.effective import effective_spec, taken_fields
from tests.chart.conftest import NoDuplicates
from tools import ROOT

SAMPLES = sorted((ROOT / "manifests" / "samples").glob("*.yaml"))
IMAGES = {"docker.io/library/python:3.11-slim-bookworm", "docker.io/library/busybox:1.35.0"}


def documents(path):
    return list(yaml.load_all(path.read_text(), Loader=NoDuplicates))


def names_of(stem):
    return [] if stem == "sum-prepare" else [stem]


def status_of(taken):
    return ExecutionStatus(service=TakenService(name="", uid="", generation=1, fields=taken))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_documented_and_valid(path):
    text = path.read_text()
    found = documents(path)
    assert re.match(r"# [A-Z]", text)
    assert f"kubectl apply -f {path.name}" in text
    assert max(map(len, text.splitlines())) <= 120
    executions = [document for document in found if document["kind"] == "ServiceExecution"]
    assert [e["metadata"]["name"] for e in executions] == names_of(path.stem)
    config_maps = {d["metadata"]["name"]: d for d in found if d["kind"] == "ConfigMap"}
    definitions = {d["metadata"]["name"]: d for d in found if d["kind"] == "ServiceDefinition"}
    for document in executions:
        created = {"namespace": "default", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
        metadata = {**document["metadata"], **created}
        execution = ServiceExecution.model_validate({**document, "metadata": metadata})
        if execution.spec.service_ref is not None:
            definition = definitions[execution.spec.service_ref.name]
            spec = ServiceDefinitionSpec.model_validate(definition["spec"])
            if spec.source is not None:
                continue  # there is no image before it is built
            taken = taken_fields(spec)
            execution = execution.model_copy(update={"status": status_of(taken)})
            execution = execution.model_copy(update={"spec": effective_spec(execution)})
        assert execution.spec.runtime.docker.image in IMAGES
        source = execution.spec.input_from
        input_map = None
        if source is not None:
            body = config_maps[source.config_map_ref.name]
            input_map = ConfigMapView.model_validate({**body, "metadata": {**metadata, **body["metadata"]}})
        plan = make_plan(execution.spec, "u", input_map)
        assert not isinstance(plan, PlanProblem) or plan.waiting, plan


def test_the_source_of_the_sample_that_is_built_has_the_digest_that_it_says():
    found = {document["kind"]: document for document in documents(SAMPLES[0].parent / "built-service.yaml")}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, text in found["ConfigMap"]["data"].items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            file.writestr(entry, text)
    digest = hashlib.sha256(archive.getvalue()).hexdigest()
    assert found["ServiceDefinition"]["spec"]["source"] == {"archive": {"digest": f"sha256:{digest}"}}


def test_every_field_of_the_spec_has_a_sample():
    used = {
        field
        for path in SAMPLES
        for document in documents(path)
        if document["kind"] == "ServiceExecution"
        for field in document["spec"]
    }
    crd = yaml.safe_load((ROOT / "crds" / "serviceexecution.dev_serviceexecutions.yaml").read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    # These name objects that a cluster does not have by itself, and cancel is patched, never applied.
    without = {"callback", "cancel", "priorityClassName", "runtimeClassName", "serviceAccountName"}
    assert schema["properties"].keys() - used == without
