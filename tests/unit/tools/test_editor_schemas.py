"""The schemas that editors take accept what people write, and point at what is wrong."""

import json

import jsonschema_rs
import pytest
import yaml

from tools import ROOT
from tools.editor_schemas import FOLDER, PROJECT_SCHEMA, editor_schemas

SCHEMAS = {path: json.loads(text) for path, text in editor_schemas().items()}
SAMPLES = sorted((ROOT / "manifests/samples").glob("*.yaml"))
PROJECTS = sorted(
    path
    for folder in ("examples", "operator/serviceexecution/cli/templates")
    for path in (ROOT / folder).glob("*/sx.yaml")
)


def problems(schema, document):
    return [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(document)]


def schema_of(document):
    group, _, version = document["apiVersion"].partition("/")
    return SCHEMAS.get(f"{FOLDER}/{group}/{document['kind'].lower()}_{version}.json")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_sample_is_right(path):
    for document in yaml.safe_load_all(path.read_text()):
        if document and (schema := schema_of(document)) is not None:
            assert problems(schema, document) == []


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_every_project_file_is_right(path):
    assert problems(SCHEMAS[PROJECT_SCHEMA], yaml.safe_load(path.read_text())) == []


def test_there_are_samples_and_projects():
    assert len(SAMPLES) > 5
    assert len(PROJECTS) > 3


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({"spec": {"runtim": {}}}, "runtim"),
        ({"spec": {"runtime": {"python": {"version": 3.11}}}}, "3.11"),
        ({"spec": {"limits": {"timout": "1m"}}}, "timout"),
        ({"spec": {"revision": "r1"}}, "revision"),
        ({"spec": {"source": {"archive": {}}}}, "archive"),
        ({"metadata": {"uid": "x"}}, "uid"),
        ({"runtime": {}}, "runtime"),
    ],
)
def test_a_mistake_in_a_project_file_is_named(document, word):
    said = problems(SCHEMAS[PROJECT_SCHEMA], document)
    assert said
    assert word in " ".join(said)


def test_everything_in_a_project_file_is_optional():
    assert problems(SCHEMAS[PROJECT_SCHEMA], {}) == []


def test_free_objects_stay_free():
    one = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "metadata": {"name": "a"},
        "spec": {"serviceRef": {"name": "sum"}, "input": {"anything": [1, {"goes": None}]}},
    }
    assert problems(schema_of(one), one) == []


def test_a_project_names_its_schema():
    for path in (ROOT / "operator/serviceexecution/cli/templates").glob("*/sx.yaml"):
        assert path.read_text().startswith("# yaml-language-server: $schema=sx.schema.json\n")
