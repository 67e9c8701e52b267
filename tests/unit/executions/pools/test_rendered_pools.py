"""The pod of an execution whose data pools are in the results store."""

import json
from dataclasses import replace

import pytest

from serviceexecution.contract.json_types import object_of
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.executions.planning.pod_template import template_problem
from serviceexecution.executions.render.pod import pod_template
from serviceexecution.resources.executions.used_pools import UsedPool
from tests.unit.executions.builders import execution, plan_of, spec

DEFAULTS = PodDefaults(collector_image="collector:1", gateway_url="http://gateway")
READ = UsedPool(property="numbers", name="numbers", uid="u", index="ab", files=2, bytes=10**9)


def rendered(*pools, defaults=DEFAULTS, **members):
    one = execution(**members)
    plan = replace(plan_of(one), staged=pools)
    return object_of(pod_template(one, plan, defaults, 1)["spec"])


def container(pod, name, part="containers"):
    return next(one for one in pod[part] if one["name"] == name)


def mounts(one):
    return {mount["mountPath"]: mount for mount in one["volumeMounts"]}


def test_without_pools_there_is_no_init_container():
    assert "initContainers" not in rendered()


def test_the_volume_has_room_for_the_pool_and_no_more():
    pod = rendered(READ)
    stage_in = container(pod, "data-pools", "initContainers")
    path = "/var/runtime/datapool/numbers"
    assert "readOnly" not in mounts(stage_in)[path]
    assert mounts(container(pod, "main"))[path]["readOnly"] is True
    assert path not in mounts(container(pod, "collector"))
    name = mounts(stage_in)[path]["name"]
    volume = next(one for one in pod["volumes"] if one["name"] == name)
    assert 10**9 < int(volume["emptyDir"]["sizeLimit"]) < 10**9 + 20 * 1024**2


def test_a_pool_that_the_program_may_change_is_writable_for_it_and_seen_by_the_collector():
    written = READ.model_copy(update={"property": "work", "writable": True})
    pod = rendered(READ, written, output={"limit": "1Gi"})
    path, other = "/var/runtime/datapool/work", "/var/runtime/datapool/numbers"
    main, collector = container(pod, "main"), container(pod, "collector")
    assert "readOnly" not in mounts(main)[path]
    assert mounts(main)[other]["readOnly"] is True
    assert mounts(collector)[path]["readOnly"] is True
    assert other not in mounts(collector)
    for one in (collector, container(pod, "data-pools", "initContainers")):
        variables = {variable["name"]: variable["value"] for variable in one["env"]}
        assert json.loads(variables["SX_WRITABLE_POOLS"]) == ["work"]
    name = mounts(main)[path]["name"]
    volume = next(one for one in pod["volumes"] if one["name"] == name)
    assert 0 < int(volume["emptyDir"]["sizeLimit"]) - 10**9 - 1024**3 < 20 * 1024**2


def test_room_to_write_is_no_more_of_the_nodes_disk_for_the_pod():
    limits = {"limits": {"ephemeral-storage": "2Gi"}}
    written = READ.model_copy(update={"writable": True})
    found = [
        container(rendered(pool, resources=limits), "data-pools", "initContainers")["resources"]
        for pool in (READ, written)
    ]
    assert found[0] == found[1]


def test_the_init_container_is_the_collectors_program_with_its_token_and_nothing_else():
    stage_in = container(rendered(READ), "data-pools", "initContainers")
    assert (stage_in["image"], stage_in["args"]) == ("collector:1", ["stage-in"])
    variables = {one["name"]: one["value"] for one in stage_in["env"]}
    assert json.loads(variables["SX_DATA_POOLS"]) == ["numbers"]
    assert set(mounts(stage_in)) == {"/var/runtime/datapool/numbers", "/var/run/secrets/serviceexecution.dev"}
    assert stage_in["securityContext"]["readOnlyRootFilesystem"] is True


def test_it_is_started_again_unless_it_is_done_or_cannot_be():
    stage_in = container(rendered(READ), "data-pools", "initContainers")
    assert stage_in["restartPolicy"] == "Never"
    rule = stage_in["restartPolicyRules"][0]
    assert rule == {"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [0, 2, 4, 5, 143]}}
    older = container(rendered(READ, defaults=DEFAULTS.for_cluster((1, 33))), "data-pools", "initContainers")
    assert "restartPolicyRules" not in older


@pytest.mark.parametrize(
    ("resources", "needed", "limited"),
    [
        ({}, 10**9, False),
        ({"requests": {"ephemeral-storage": "1Gi"}}, 10**9 + 1024**3, False),
        ({"limits": {"ephemeral-storage": "2Gi"}}, 10**9 + 2 * 1024**3, True),
    ],
)
def test_the_node_needs_room_on_its_disk(resources, needed, limited):
    found = container(rendered(READ, resources=resources), "data-pools", "initContainers")["resources"]
    asked = int(found["requests"]["ephemeral-storage"])
    assert needed < asked < needed + 20 * 1024**2
    assert ("ephemeral-storage" in found["limits"]) is limited
    if limited:
        assert int(found["limits"]["ephemeral-storage"]) >= asked


def test_the_pod_may_live_longer_for_its_pools():
    with_pool = rendered(READ, timeout="1h")["activeDeadlineSeconds"]
    assert with_pool == rendered(timeout="1h")["activeDeadlineSeconds"] + int(10**9 / (4 * 1024**2))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            {"initContainers": [{"name": "data-pools", "image": "evil"}]},
            "of the init container data-pools only",
        ),
        ({"volumes": [{"name": "datapool-x", "emptyDir": {}}]}, "is the operator's"),
        (
            {
                "initContainers": [
                    {"name": "x", "volumeMounts": [{"name": "collector-token", "mountPath": "/t"}]}
                ]
            },
            "only for the collector",
        ),
    ],
)
def test_a_template_cannot_make_another_program_of_it(template, said):
    assert said in (template_problem(spec(podTemplate={"spec": template})) or "")
