"""Rendered children, compared with golden files, and the rules that hold for all of them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.executions.planning.plan import Plan, make_plan
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.executions.render.job import RenderedChildren, render_children
from serviceexecution.resources.names import ANNOTATION_TRACEPARENT, LABEL_EXECUTION_UID
from serviceexecution.resources.pods.observed import ConfigMapView
from tests.unit.executions.builders import UID, execution
from tests.unit.executions.variants import IMMUTABLE_INPUT, VARIANTS

TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
GOLDEN: Final = Path(__file__).parent / "golden"
DEFAULTS: Final = PodDefaults(
    collector_image="registry.example/collector:1", gateway_url="http://gateway.operator.svc:8080"
)


def rendered(name: str, defaults: PodDefaults = DEFAULTS) -> RenderedChildren:
    one = execution(**cast("dict[str, Any]", VARIANTS[name]))
    input_map = ConfigMapView.model_validate(IMMUTABLE_INPUT) if one.spec.input_from else None
    plan = make_plan(one.spec, one.metadata.uid, input_map)
    assert isinstance(plan, Plan), plan
    return render_children(one, plan, defaults, attempt=1)


def pod_spec(name: str, defaults: PodDefaults = DEFAULTS):
    return rendered(name, defaults).job["spec"]["template"]["spec"]


def container(name: str, of: str = "main", defaults: PodDefaults = DEFAULTS):
    return next(one for one in pod_spec(name, defaults)["containers"] if one["name"] == of)


def as_text(children: RenderedChildren) -> str:
    manifests: list[JsonObject] = [one for one in (children.config_map, children.job) if one is not None]
    return yaml.safe_dump_all(manifests, sort_keys=False, width=110, allow_unicode=True)


@pytest.mark.parametrize("name", VARIANTS)
def test_children_are_as_in_the_golden_file(name, update_golden):
    path = GOLDEN / f"{name}.yaml"
    text = as_text(rendered(name))
    if update_golden:
        path.write_text(text)
    assert text == path.read_text(), (
        "run pytest --update-golden tests/unit/executions and read the difference"
    )


@pytest.mark.parametrize(
    ("annotation", "own", "expected"),
    [
        (TRACE, None, TRACE),
        (TRACE, "mine", "mine"),
        ("$(cat /etc/passwd)", None, None),
        (None, None, None),
    ],
)
def test_the_program_finds_its_caller_s_trace(annotation, own, expected):
    assert traces_of_main(annotation, own, DEFAULTS) == ([] if expected is None else [expected])


@pytest.mark.parametrize("annotation", [TRACE, TRACE[:-1] + "0", "$(cat /etc/passwd)", None])
def test_where_executions_are_traced_the_program_s_spans_are_below_its_run_s(annotation):
    traced = replace(DEFAULTS, traced=True)
    (first,), (again,) = (traces_of_main(annotation, None, traced, attempt=attempt) for attempt in (1, 2))
    if annotation is not None and annotation.endswith("-00"):
        assert first == again == annotation
        return
    assert first != again
    assert first[:35] == again[:35]
    assert (first[:35] == TRACE[:35]) is (annotation == TRACE)
    assert TRACE[36:52] not in first
    assert traces_of_main(annotation, "mine", traced) == ["mine"]


def traces_of_main(
    annotation: str | None, own: str | None, defaults: PodDefaults, attempt: int = 1
) -> list[str]:
    """Return the values of main's TRACEPARENT; ``own`` is the one of spec.env."""
    one = execution(env=[] if own is None else [{"name": "TRACEPARENT", "value": own}])
    annotations = {} if annotation is None else {ANNOTATION_TRACEPARENT: annotation}
    one = one.model_copy(update={"metadata": one.metadata.model_copy(update={"annotations": annotations})})
    plan = make_plan(one.spec, one.metadata.uid, None)
    assert isinstance(plan, Plan), plan
    pod = cast("Any", render_children(one, plan, defaults, attempt=attempt).job)["spec"]["template"]["spec"]
    main = next(found for found in pod["containers"] if found["name"] == "main")
    return [variable["value"] for variable in main["env"] if variable["name"] == "TRACEPARENT"]


def test_every_golden_file_is_compared():
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(VARIANTS)


@pytest.mark.parametrize("name", VARIANTS)
class TestWhatAlwaysHolds:
    def test_an_execution_s_rendering_is_deterministic(self, name):
        assert json.dumps(rendered(name).job) == json.dumps(rendered(name).job)

    def test_nothing_is_run_twice(self, name):
        spec = rendered(name).job["spec"]
        assert (spec["backoffLimit"], spec["completions"], spec["parallelism"]) == (0, 1, 1)
        assert spec["template"]["spec"]["restartPolicy"] == "Never"
        assert "podFailurePolicy" not in spec

    def test_children_are_found_and_deleted_with_their_execution(self, name):
        children = rendered(name)
        template = children.job["spec"]["template"]
        for one in (children.config_map, children.job):
            if one is not None:
                (owner,) = cast("list[JsonObject]", one["metadata"]["ownerReferences"])
                assert (owner["uid"], owner["controller"]) == (UID, True)
                assert one["metadata"]["labels"][LABEL_EXECUTION_UID] == UID
                assert len(cast("str", one["metadata"]["name"])) <= 63
        assert template["metadata"]["labels"][LABEL_EXECUTION_UID] == UID

    def test_both_containers_are_there_and_only_the_collector_has_a_token(self, name):
        spec = pod_spec(name)
        assert [one["name"] for one in spec["containers"]] == ["collector", "main"]
        assert spec["automountServiceAccountToken"] is False
        assert "collector-token" not in {mount["name"] for mount in container(name)["volumeMounts"]}
        assert "runAsUser" not in container(name)["securityContext"], "one user for both, on the pod"

    def test_every_mount_has_its_volume(self, name):
        spec = pod_spec(name)
        volumes = [volume["name"] for volume in spec["volumes"]]
        assert len(volumes) == len(set(volumes))
        for one in spec["containers"]:
            assert {mount["name"] for mount in one["volumeMounts"]} <= set(volumes)
            paths = [mount["mountPath"] for mount in one["volumeMounts"]]
            assert len(paths) == len(set(paths))

    def test_what_the_gateway_enforces_is_what_the_collector_is_told(self, name):
        template = rendered(name).job["spec"]["template"]
        told = {one["name"]: one["value"] for one in container(name, "collector")["env"]}
        assert (
            template["metadata"]["annotations"]["serviceexecution.dev/output-limit"]
            == told["SX_OUTPUT_LIMIT"]
        )


def test_a_grace_period_has_time_for_the_collectors_last_pass():
    assert pod_spec("minimal")["terminationGracePeriodSeconds"] == 90
    assert pod_spec("everything")["terminationGracePeriodSeconds"] == 62, "1500ms, rounded up"


def test_a_deadline_backs_up_the_timeout_while_the_operator_is_down():
    assert "activeDeadlineSeconds" not in pod_spec("minimal")
    assert pod_spec("everything")["activeDeadlineSeconds"] == 5400 + 300 + 3600


def test_an_execution_s_pod_passes_the_restricted_level():
    spec = pod_spec("minimal")
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for one in spec["containers"]:
        assert one["securityContext"]["allowPrivilegeEscalation"] is False
        assert one["securityContext"]["capabilities"]["drop"] == ["ALL"]


def test_an_older_cluster_has_no_restart_rule_for_one_container():
    old = replace(DEFAULTS, container_restart_rules=False)
    assert container("minimal", "collector")["restartPolicy"] == "OnFailure"
    assert "restartPolicy" not in container("minimal", "collector", old)
    assert DEFAULTS.for_cluster((1, 34)).container_restart_rules is False
    assert DEFAULTS.for_cluster((1, 35)).container_restart_rules is True


def test_the_users_home_wins():
    names = [one["name"] for one in container("everything")["env"]]
    assert names.count("HOME") == 1
    assert {"name": "HOME", "value": "/opt/home"} in container("everything")["env"]


def test_input_text_reaches_the_config_map_byte_for_byte():
    config_map = rendered("everything").config_map
    assert config_map is not None
    assert '"größe"' not in json.dumps(config_map["data"])
    assert set(config_map["data"].values()) == {'{"values": [1, 2.0, 12345678901234567890]}', "1e3", "null"}
    paths = {item["path"] for item in pod_spec("everything")["volumes"][0]["configMap"]["items"]}
    assert paths == {"data.json", "größe.json", "params.json"}


def test_two_pools_on_one_claim_share_a_volume():
    claims = [one["name"] for one in pod_spec("two-data-pools")["volumes"] if "persistentVolumeClaim" in one]
    assert len(claims) == 2
    assert all("." not in name and len(name) <= 63 for name in claims)


class TestPodTemplate:
    def test_a_pod_template_is_merged_by_names(self):
        main = container("pod-template")
        variables = {one["name"]: one["value"] for one in main["env"]}
        assert (variables["PYTHONUNBUFFERED"], variables["EXTRA"]) == ("0", "1")
        assert {"mountPath": "/dev/shm", "name": "memory"} in main["volumeMounts"]
        assert len(pod_spec("pod-template")["containers"]) == 2

    def test_a_pod_template_cannot_take_away_what_the_operator_needs(self):
        template = rendered("pod-template").job["spec"]["template"]
        assert template["metadata"]["labels"][LABEL_EXECUTION_UID] == UID
        assert template["metadata"]["labels"]["team"] == "blue"
        assert template["metadata"]["annotations"]["serviceexecution.dev/output-limit"] != "1"
        assert "linkerd.io/inject" not in template["metadata"]["annotations"]
        assert template["spec"]["restartPolicy"] == "Never"
