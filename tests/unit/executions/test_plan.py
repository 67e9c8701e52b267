"""From a spec to a plan, or to one sentence about what is wrong with it."""

import pytest

from serviceexecution.contract.durations import DurationError
from serviceexecution.controller.executions import plan_memory
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.planning.plan import (
    DEFAULT_OUTPUT_LIMIT,
    DEFAULT_TIMES,
    InputVolume,
    Plan,
    ReadSpec,
    Times,
    make_plan,
    read_spec,
    times_of,
)
from serviceexecution.executions.pools.resolve import KnownPools, MountedPool
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.runtime import DockerRuntime
from serviceexecution.resources.names import ANNOTATION_INPUT_PROPERTIES, LABEL_DATA_POOL_ID
from serviceexecution.resources.pods.observed import ClaimView, ConfigMapView
from tests.unit.executions.builders import IMAGE, UID, spec

POOL = {"ref": "DATAPOOL", "id": "numbers"}


def claim(name, pool="numbers"):
    metadata = {
        "name": name,
        "namespace": "team",
        "uid": f"uid-{name}",
        "creationTimestamp": "2026-03-01T12:00:00Z",
        "labels": {LABEL_DATA_POOL_ID: pool},
    }
    return ClaimView.model_validate({"metadata": metadata})


def input_map(data, *, immutable=False, binary=None):
    metadata = {
        "name": "given",
        "namespace": "team",
        "uid": "uid-given",
        "creationTimestamp": "2026-03-01T12:00:00Z",
    }
    return ConfigMapView.model_validate(
        {"metadata": metadata, "data": data, "binaryData": binary or {}, "immutable": immutable}
    )


def planned(*, given=None, claims=(), pools=(), used=(), **members):
    return make_plan(spec(**members), UID, given, KnownPools(tuple(claims), tuple(pools), tuple(used)))


def good(**arguments) -> Plan:
    plan = planned(**arguments)
    assert isinstance(plan, Plan), plan
    return plan


def bad(**arguments) -> PlanProblem:
    problem = planned(**arguments)
    assert isinstance(problem, PlanProblem)
    return problem


def files(plan):
    return {entry.path: entry.text for entry in plan.input.entries}


def secret(key="token"):
    return {"secretKeyRef": {"name": "ibm", "key": key}}


def pool_claim(name, **members):
    return {"persistentVolumeClaim": {"claimName": name}, **members}


def test_the_least_spec_has_a_plan():
    runtime = DockerRuntime(image=IMAGE)
    assert good() == Plan(runtime, InputVolume("empty"), (), DEFAULT_OUTPUT_LIMIT, None, None, DEFAULT_TIMES)


def test_a_spec_that_says_nothing_to_run_is_refused():
    assert bad(runtime=None).reason is Reason.INVALID_SPEC


def test_times_have_defaults_and_units():
    times = times_of(
        spec(timeout="1h30m", startTimeout="90", cancelGrace="500ms", output={"collectTimeout": "2m"})
    )
    assert times == Times(timeout=5400, start_timeout=90, cancel_grace=0.5, collect_timeout=120)
    assert times_of(spec()) == Times(None, 600, 30, 3600)


def test_a_duration_out_of_bounds_names_its_field():
    with pytest.raises(DurationError, match=r"spec\.timeout"):
        times_of(spec(timeout="999999999h"))
    assert bad(startTimeout="999999999h").reason is Reason.INVALID_SPEC


@pytest.mark.parametrize(("limit", "size"), [("10Gi", 10 * 1024**3), ("1G", 10**9), (5, 5), ("1e3", 1000)])
def test_the_output_limit_is_in_bytes(limit, size):
    assert good(output={"limit": limit}).output_limit == size


def test_an_output_limit_that_is_no_size():
    problem = bad(output={"limit": "-1"})
    assert problem.reason is Reason.INVALID_SPEC
    assert "spec.output.limit" in problem.detail


def test_output_on_a_claim_has_a_folder_of_its_own():
    plan = good(output=pool_claim("results"))
    assert (plan.output_claim, plan.output_sub_path) == ("results", UID)
    plan = good(output=pool_claim("results", subPath="today"))
    assert plan.output_sub_path == "today"
    assert good(output={"subPath": "unused"}).output_sub_path is None


class TestInput:
    def test_an_object_has_a_file_per_property(self):
        plan = good(input={"data": {"values": [1, 2]}, "params": None})
        assert files(plan) == {"data.json": '{"values": [1, 2]}', "params.json": "null"}
        assert plan.input.source == "own"

    def test_text_is_kept_as_it_is(self):
        plan = good(inputJson='{"n": 12345678901234567890, "f": 1.0, "é x": 1e3}')
        assert files(plan) == {"n.json": "12345678901234567890", "f.json": "1.0", "é x.json": "1e3"}

    @pytest.mark.parametrize("members", [{}, {"input": {}}, {"inputJson": "{}"}])
    def test_nothing_is_an_empty_directory(self, members):
        assert good(**members).input == InputVolume("empty")

    def test_an_immutable_config_map_is_mounted_as_it_is(self):
        given = input_map({"data": "1.0", "params.json": "2"}, immutable=True)
        plan = good(inputFrom={"configMapRef": {"name": "given"}}, given=given)
        assert (plan.input.source, plan.input.config_map) == ("referenced", "given")
        assert [(entry.key, entry.path, entry.text) for entry in plan.input.entries] == [
            ("data", "data.json", ""),
            ("params.json", "params.json", ""),
        ]

    def test_a_config_map_that_may_change_is_copied(self):
        given = input_map({"data": "1.0"})
        plan = good(inputFrom={"configMapRef": {"name": "given"}}, given=given)
        assert (plan.input.source, files(plan)) == ("own", {"data.json": "1.0"})

    def test_a_missing_config_map_may_still_come(self):
        problem = bad(inputFrom={"configMapRef": {"name": "given"}})
        assert (problem.reason, problem.waiting) == (Reason.INPUT_NOT_FOUND, True)
        assert '"given"' in problem.detail

    @pytest.mark.parametrize(
        ("members", "named"),
        [
            ({"inputJson": "[1]"}, "spec.inputJson"),
            ({"inputJson": "{"}, "spec.inputJson"),
            ({"inputJson": '{"a": 1, "a": 2}'}, 'spec.inputJson["a"]'),
            ({"input": {"a/b": 1}}, 'spec.input["a/b"]'),
            ({"input": {".a": 1}}, 'spec.input[".a"]'),
            ({"input": {"$secrets": {"k": "v"}}}, "spec.secrets"),
            ({"inputJson": '{"$secrets": {"k": "v"}}'}, "spec.secrets"),
            ({"input": {"pool": {"ref": "DATAPOOL"}}}, 'spec.input["pool"].id'),
        ],
    )
    def test_what_cannot_be_given_to_a_program(self, members, named):
        problem = bad(**members)
        assert (problem.reason, problem.waiting) == (Reason.INVALID_INPUT, False)
        assert named in problem.detail
        assert '"v"' not in problem.detail

    def test_a_binary_key_of_an_input_is_refused(self):
        given = input_map({}, binary={"blob": "AA=="})
        problem = bad(inputFrom={"configMapRef": {"name": "given"}}, given=given)
        assert problem.reason is Reason.INVALID_INPUT
        assert '"blob"' in problem.detail

    def test_two_inputs_are_refused(self):
        problem = bad(input={"a": 1}, inputJson="{}")
        assert problem.reason is Reason.INVALID_SPEC
        assert "input and inputJson" in problem.detail


class TestDataPools:
    def test_a_claim_with_the_label_is_the_pool(self):
        plan = good(input={"numbers": POOL, "n": 1}, claims=[claim("other", "x"), claim("pool-claim")])
        assert plan.pools == (MountedPool("numbers", "pool-claim", None, read_only=True),)
        assert files(plan) == {"n.json": "1"}, "a pool's property is a folder, not a file"

    def test_the_spec_wins_over_the_label(self):
        plan = good(
            input={"numbers": POOL},
            dataPools={"numbers": pool_claim("mine", subPath="a/b", readOnly=False)},
            claims=[claim("pool-claim")],
        )
        assert plan.pools == (MountedPool("numbers", "mine", "a/b", read_only=False),)

    def test_pools_need_no_reference_in_the_input(self):
        plan = good(dataPools={"b": pool_claim("two"), "a": pool_claim("one")})
        assert [pool.property for pool in plan.pools] == ["a", "b"]
        assert all(pool.read_only for pool in plan.pools)

    def test_an_unknown_pool_may_still_come(self):
        problem = bad(input={"numbers": POOL}, claims=[claim("other", "x")])
        assert (problem.reason, problem.waiting) == (Reason.DATA_POOL_NOT_FOUND, True)
        assert f"{LABEL_DATA_POOL_ID}=numbers" in problem.detail

    def test_two_claims_of_one_pool_are_no_pool(self):
        problem = bad(input={"numbers": POOL}, claims=[claim("b"), claim("a")])
        assert problem.reason is Reason.INVALID_SPEC
        assert "a, b" in problem.detail

    def test_a_property_is_a_value_or_a_pool(self):
        problem = bad(input={"numbers": [1]}, dataPools={"numbers": pool_claim("mine")})
        assert problem.reason is Reason.INVALID_INPUT
        assert 'spec.dataPools["numbers"]' in problem.detail

    @pytest.mark.parametrize("name", ["a/b", ".hidden", "a:b", "$secrets"])
    def test_names_that_cannot_be_folders(self, name):
        problem = bad(dataPools={name: pool_claim("mine")})
        assert problem.reason is Reason.INVALID_SPEC
        assert "spec.dataPools" in problem.detail

    def test_a_grant_is_kept_nowhere(self):
        plan = good(input={"numbers": {**POOL, "grant": "eyJ0b3A"}}, claims=[claim("pool-claim")])
        assert "eyJ0b3A" not in repr(plan)


class TestSecrets:
    def test_two_names_of_one_variable(self):
        problem = bad(secrets={"ibmToken": secret(), "ibm_token": secret()})
        assert problem.reason is Reason.INVALID_SPEC
        assert "SECRET_IBM_TOKEN" in problem.detail

    def test_a_variable_that_is_given_already(self):
        problem = bad(secrets={"token": secret()}, env=[{"name": "SECRET_TOKEN", "value": "x"}])
        assert problem.reason is Reason.INVALID_SPEC
        assert "SECRET_TOKEN" in problem.detail


class TestPropertiesThatAreNoLegalKeys:
    """The Service API notes them in an annotation of the ConfigMap that it makes."""

    def named(self, annotation: str):
        found = input_map({"property-1": "1", "b": "2"}, immutable=True)
        metadata = found.metadata.model_copy(
            update={"annotations": {ANNOTATION_INPUT_PROPERTIES: annotation}}
        )
        return found.model_copy(update={"metadata": metadata})

    def test_odd_properties_have_their_names_in_the_container(self):
        given = self.named('{"property-1": "grüße an alle"}')
        plan = good(given=given, inputFrom={"configMapRef": {"name": "given"}})
        assert [(entry.key, entry.path) for entry in plan.input.entries] == [
            ("b", "b.json"),
            ("property-1", "grüße an alle.json"),
        ]

    @pytest.mark.parametrize("annotation", ["[]", "{", '{"property-1": 1}', '{"property-1": "../a"}'])
    def test_an_annotation_that_is_none_is_refused(self, annotation):
        problem = bad(given=self.named(annotation), inputFrom={"configMapRef": {"name": "given"}})
        assert problem.reason is Reason.INVALID_INPUT


@pytest.mark.parametrize("immutable", [True, False])
def test_an_input_that_was_sound_is_read_as_before(immutable):
    data = {"z.json": "[1, 2]", "a": ' {"ref": "DATAPOOL", "id": "numbers"}', "m": '"x"'}
    given = input_map(data, immutable=immutable)
    one = spec(inputJson=None, inputFrom={"configMapRef": {"name": "given"}})
    first, again = read_spec(one, given), read_spec(one, given, sound=True)
    assert isinstance(first, ReadSpec)
    assert first == again
    assert list(first.properties) == list(again.properties) == ["a", "m", "z"]


def test_an_input_is_sound_only_in_the_version_that_was_read(monkeypatch):
    monkeypatch.setattr(plan_memory, "REMEMBERED", 2)
    memory = plan_memory.PlanMemory()
    given = input_map({"a": "1"})

    def version(number):
        changed = given.metadata.model_copy(update={"resource_version": number})
        return given.model_copy(update={"metadata": changed})

    memory.note_sound(given)
    assert not memory.is_sound(given), "without a version it may be another one"
    memory.note_sound(version("1"))
    assert memory.is_sound(version("1"))
    assert not memory.is_sound(version("2"))
    assert not memory.is_sound(None)
    memory.note_sound(version("2"))
    memory.note_sound(version("3"))
    assert not memory.is_sound(version("1"))
