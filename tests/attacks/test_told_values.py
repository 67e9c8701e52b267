"""What a status says of an input does not repeat its values: who may read executions need not be allowed to read the
ConfigMaps and results of the namespace.
"""

import json

import pytest

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.controller.service_problem import said
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.planning.plan import make_plan, read_spec
from serviceexecution.executions.planning.service import pool_problem
from serviceexecution.executions.pools.resolve import KnownPools
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.names import LABEL_DATA_POOL_ID
from serviceexecution.resources.pods.observed import ClaimView, ConfigMapView
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.schemas.checker import SchemaChecker

MARK, AT = "hunter2", "2026-01-01T00:00:00Z"
SPEC = ExecutionSpec.model_validate(
    {
        "runtime": {"docker": {"image": "registry.example/sum:1"}},
        "inputFrom": {"configMapRef": {"name": "billing"}},
    }
)
POOL = json.dumps({"ref": "DATAPOOL", "id": MARK})


def config_map(data: dict[str, str], annotations: dict[str, str] | None = None) -> ConfigMapView:
    metadata = {
        "name": "billing",
        "namespace": "team",
        "uid": "c",
        "creationTimestamp": AT,
        "annotations": annotations or {},
    }
    return ConfigMapView.model_validate({"metadata": metadata, "data": data})


def claim(name: str) -> ClaimView:
    labels = {LABEL_DATA_POOL_ID: MARK}
    return ClaimView.model_validate(
        {
            "metadata": {
                "name": name,
                "namespace": "team",
                "uid": "c",
                "creationTimestamp": AT,
                "labels": labels,
            }
        }
    )


@pytest.mark.parametrize(
    "data",
    [
        {"token": MARK},
        {"token": f'"{MARK}'},
        {"token": f'"{MARK}" "{MARK}"'},
        {"token": f'{{"{MARK}": NaN}}'},
        {"token": f'"\\x{MARK}"'},
        {"token": f'"{MARK}\x01"'},
        {"token": f'\ufeff"{MARK}"'},
        {"token": "[" * 600 + f'"{MARK}"' + "]" * 600},
        {"token": f'"{MARK}{"x" * 1_000_000}"'},
        {"$secrets": json.dumps({"password": MARK})},
        {"to.ken": f'"{MARK}"'},
        {"token": f'"{MARK}"', "token.json": f'"{MARK}"'},
        {"pool": json.dumps({"ref": "DATAPOOL", "id": [MARK]})},
        {"pool": json.dumps({"ref": "DATAPOOL", "id": MARK * 100})},
        {"po:ol": POOL},
        {"pool": POOL},
    ],
)
def test_a_refused_input_is_not_repeated(data):
    found = make_plan(SPEC, "u", config_map(data))
    assert isinstance(found, PlanProblem)
    assert MARK not in found.detail


def test_an_ambiguous_data_pool_is_not_repeated():
    found = make_plan(SPEC, "u", config_map({"pool": POOL}), KnownPools((claim("pool-a"), claim("pool-b"))))
    assert isinstance(found, PlanProblem)
    assert "pool-a, pool-b" in found.detail
    assert MARK not in found.detail


def test_a_data_pool_that_the_service_does_not_allow_is_not_repeated():
    definition = ServiceDefinition.model_validate(
        {
            "metadata": {"name": "sum", "namespace": "team", "uid": "d", "creationTimestamp": AT},
            "spec": {
                "runtime": {"docker": {"image": "registry.example/sum:1"}},
                "dataPoolRules": {"allowed": ["a"]},
            },
        }
    )
    read = read_spec(SPEC, config_map({"pool": POOL}))
    assert not isinstance(read, PlanProblem)
    found = pool_problem(definition, read.spec, read.references)
    assert found is not None
    assert '"pool" names the data pool' in found.detail
    assert MARK not in found.detail


SCHEMAS: list[tuple[JsonObject, JsonValue]] = [
    ({"const": 1}, MARK),
    ({"enum": [1, 2]}, MARK),
    ({"type": "null"}, {"password": MARK}),
    ({"prefixItems": [{}], "items": False}, [1, MARK]),
    ({"prefixItems": [{}], "unevaluatedItems": False}, [1, MARK]),
    ({"not": {}}, MARK),
    ({"pattern": "^a$"}, MARK),
    ({"maxLength": 1}, MARK),
    ({"oneOf": [{}, {}]}, MARK),
    ({"anyOf": [{"type": "null"}, {"type": "number"}]}, MARK),
    ({"uniqueItems": True}, [MARK, MARK]),
    ({"contains": {"type": "null"}}, [MARK]),
    ({"additionalProperties": False}, {"password": MARK}),
    ({"unevaluatedProperties": False}, {"password": MARK}),
    ({"properties": {"password": False}}, {"password": MARK}),
    ({"required": ["user"]}, {"password": MARK}),
    ({"dependentRequired": {"password": ["user"]}}, {"password": MARK}),
    ({"multipleOf": 7}, 123454321),
    ({"maximum": 7}, 123454321),
]


@pytest.mark.parametrize(("schema", "value"), SCHEMAS, ids=lambda one: json.dumps(one)[:40])
async def test_no_rule_of_a_schema_repeats_the_value(schema, value):
    """C1: a schema that refuses everything told the values of a ConfigMap."""
    checker = SchemaChecker(says_values=False)
    try:
        text = said(await checker.check(schema, json.dumps(value)))
    finally:
        await checker.close()
    assert text
    assert MARK not in text
    assert "123454321" not in text
