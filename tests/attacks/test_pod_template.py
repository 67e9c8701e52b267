"""Controller 25 and H4: no podTemplate makes main run twice or gives the collector's token away; none is read in part.

Fails on 9b98b50: all of these were rendered into the Job.
"""

from typing import Any

import pytest

from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.planning.plan import Plan, make_plan
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.render.job import render_children
from serviceexecution.kube.kinds import JOBS, SERVICE_DEFINITIONS
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from tests.unit.controller.conftest import world
from tests.unit.controller.harness import World
from tests.unit.executions.builders import UID, execution

__all__ = ["world"]

TOKEN = {"name": "mine", "mountPath": "/token"}


def container(name: str = "main", **members: Any) -> Any:
    return {"spec": {"containers": [{"name": name, **members}]}}


def init(name: str = "first", **members: Any) -> Any:
    return {"spec": {"initContainers": [{"name": name, "image": "a:1", **members}]}}


def volume(name: str = "mine", **members: Any) -> Any:
    return {"spec": {"volumes": [{"name": name, **members}]}}


def token(audience: str) -> Any:
    sources = [{"configMap": {"name": "a"}}, {"serviceAccountToken": {"audience": audience, "path": "t"}}]
    return volume(projected={"sources": sources})


RESTART_ALL = [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [1]}}]
RESTART = [{"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [0]}}]
COLLECTORS = [{"name": "collector-token", "mountPath": "/t"}]

REFUSED: dict[str, tuple[Any, str]] = {
    # main a second time
    "main is restarted": (container(restartPolicy="Always"), "containers[0].restartPolicy"),
    "main is restarted on failure": (container(restartPolicy="OnFailure"), "containers[0].restartPolicy"),
    "main is restarted by a rule": (
        container(restartPolicyRules=RESTART),
        "containers[0].restartPolicyRules",
    ),
    "the second of two entries": (
        {"spec": {"containers": [{"name": "main"}, {"name": "main", "restartPolicy": "Always"}]}},
        "containers[1].restartPolicy",
    ),
    "a neighbour restarts all": (
        container("more", restartPolicyRules=RESTART_ALL),
        "containers[0].restartPolicyRules",
    ),
    "a sidecar restarts all": (
        init(restartPolicy="Always", restartPolicyRules=RESTART_ALL),
        "initContainers[0].restartPolicyRules",
    ),
    # the collector's token
    "main mounts it": (container(volumeMounts=COLLECTORS), "containers[0].volumeMounts[0].name"),
    "an added container mounts it": (
        container("more", volumeMounts=[{"name": "tmp", "mountPath": "/a"}, *COLLECTORS]),
        "containers[0].volumeMounts[1].name",
    ),
    "an init container mounts it": (init(volumeMounts=COLLECTORS), "initContainers[0].volumeMounts[0].name"),
    "one more of its kind": (token("collector.serviceexecution.dev"), "volumes[0].projected.sources[1]"),
    "a build's": (token("builder.serviceexecution.dev"), "volumes[0].projected.sources[1]"),
    "a caller's": (token("services.serviceexecution.dev"), "volumes[0].projected.sources[1]"),
    "another program in its place": (container("collector", image="evil"), "containers[0].image"),
    "another command": (container("collector", command=["cat"]), "containers[0].command"),
    "another gateway": (
        container("collector", env=[{"name": "SX_GATEWAY_URL", "value": "http://evil"}]),
        "containers[0].env",
    ),
    "a hook in it": (
        container("collector", lifecycle={"postStart": {"exec": {"command": ["cat"]}}}),
        "containers[0].lifecycle",
    ),
    "its mounts taken away": (container("collector", volumeMounts=None), "containers[0].volumeMounts"),
    "the processes together": ({"spec": {"shareProcessNamespace": True}}, "spec.shareProcessNamespace"),
    "the processes apart": ({"spec": {"shareProcessNamespace": False}}, "spec.shareProcessNamespace"),
    # our volumes and places
    **{
        f"the volume {name}": (volume(name, emptyDir={}), "spec.volumes[0]")
        for name in ("input", "output", "datapool", "collector-token", "claim-data")
    },
    "no volumes": ({"spec": {"volumes": None}}, "spec.volumes"),
    "no containers": ({"spec": {"containers": None}}, "spec.containers"),
    "over the input": (
        container(volumeMounts=[{"name": "tmp", "mountPath": "/var/runtime/input/"}]),
        "containers[0].volumeMounts[0].mountPath",
    ),
    "over the output": (
        container(volumeMounts=[{"name": "tmp", "mountPath": "/var/runtime//x/../output"}]),
        "containers[0].volumeMounts[0].mountPath",
    ),
    # what no pod has
    "a typing error": (container(comand=["sh"]), "containers[0].comand"),
    "a typing error further down": (
        {"spec": {"affinity": {"nodeAffinity": {"required": {}}}}},
        "spec.affinity.nodeAffinity.required",
    ),
    "a member beside spec": ({"kind": "Pod"}, "spec.podTemplate.kind"),
    "a directive": ({"spec": {"$patch": "replace"}}, "spec.$patch"),
    "a directive in an item": (container(**{"$patch": "delete"}), "containers[0].$patch"),
    "a directive for members": ({"spec": {"$retainKeys": ["volumes"]}}, "spec.$retainKeys"),
    "a directive for an order": (
        {"spec": {"$setElementOrder/containers": [{"name": "main"}]}},
        "spec.$setElementOrder/containers",
    ),
    "a directive for items": (
        {"spec": {"$deleteFromPrimitiveList/x": []}},
        "spec.$deleteFromPrimitiveList/x",
    ),
    "a directive among labels": ({"metadata": {"labels": {"$patch": "replace"}}}, "labels.$patch"),
    "a list for an object": ({"spec": []}, "spec.podTemplate.spec must be an object"),
    "an object for a list": ({"spec": {"containers": {"name": "main"}}}, "spec.containers must be a list"),
    "a text for an object": ({"spec": {"containers": ["main"]}}, "containers[0] must be an object"),
    "an object for a text": (container(image={"a": 1}), "containers[0].image must be a single value"),
    "an object for a label": ({"metadata": {"labels": {"a": {}}}}, "labels.a must be a single value"),
    # what a template does not say
    "a finalizer that keeps the pod": ({"metadata": {"finalizers": ["a.b/c"]}}, "metadata.finalizers"),
    "an owner": ({"metadata": {"ownerReferences": [{"uid": "u"}]}}, "metadata.ownerReferences"),
    "an ephemeral container": ({"spec": {"ephemeralContainers": [{"name": "a"}]}}, "ephemeralContainers"),
}


def plan_of(template: Any) -> Plan | PlanProblem:
    spec = {"runtime": {"docker": {"image": "a:1"}}, "podTemplate": template}
    return make_plan(ExecutionSpec.model_validate(spec), UID, None)


@pytest.mark.parametrize("case", list(REFUSED))
def test_a_dangerous_pod_template_is_refused_with_its_path(case: str):
    template, place = REFUSED[case]
    found = plan_of(template)
    assert isinstance(found, PlanProblem)
    assert (found.reason, found.waiting) == (Reason.INVALID_SPEC, False)
    assert found.detail.startswith("spec.podTemplate")
    assert place in found.detail


@pytest.mark.parametrize(
    "template",
    [
        container(env=[{"name": "A", "value": "1"}], lifecycle={"preStop": {"sleep": {"seconds": 1}}}),
        container(volumeMounts=[{"name": "shm", "mountPath": "/dev/shm"}]),
        container("collector", resources={"limits": {"memory": "128Mi"}}),
        container("helper", image="a:1", restartPolicy="Always"),
        init(restartPolicy="Always"),
        volume("tmp", emptyDir={"medium": "Memory"}),
        token("vault.example"),
        {"metadata": {"creationTimestamp": None, "labels": {"a": "b"}}, "spec": {"hostname": "a"}},
        {"spec": {"nodeSelector": {"a": "b"}, "resources": {"limits": {"cpu": 1.5}}}},
        {"spec": {"terminationGracePeriodSeconds": 40, "tolerations": None}},
        {},
    ],
)
def test_what_a_pod_may_have_is_taken(template: Any):
    assert isinstance(plan_of(template), Plan)


async def test_an_execution_with_one_gets_no_pod(world: World):
    world.apply(podTemplate=REFUSED["main is restarted"][0])
    await world.controller.run()
    assert world.said() == ("Failed", "InvalidSpec")
    assert world.kubernetes.one(JOBS) is None


async def test_a_service_with_one_says_so(world: World):
    body: Any = {
        "metadata": {"name": "adder", "namespace": "team"},
        "spec": {
            "runtime": {"docker": {"image": "a:1"}},
            "podTemplate": REFUSED["main is restarted"][0],
        },
    }
    world.kubernetes.put(SERVICE_DEFINITIONS, body)
    await world.controller.watch()
    await world.controller.reconcile_service((await world.controller.services())[0])
    stored: Any = world.kubernetes.one(SERVICE_DEFINITIONS)
    assert "spec.podTemplate.spec.containers[0].restartPolicy" in stored["status"]["conditions"][0]["message"]


def test_no_template_makes_a_run_pass_for_a_build():
    names = {
        "serviceexecution.dev/revision": "r1",
        "serviceexecution.dev/definition-uid": "u",
        "team": "blue",
    }
    template = {"metadata": {"labels": names, "annotations": {"serviceexecution.dev/source-digest": "x"}}}
    plan = plan_of(template)
    assert isinstance(plan, Plan)
    defaults = PodDefaults(collector_image="collector:1", gateway_url="http://gateway")
    job: Any = render_children(execution(pod_template=template), plan, defaults, attempt=1).job
    metadata = job["spec"]["template"]["metadata"]
    assert metadata["labels"]["team"] == "blue"
    ours = {name for name in metadata["labels"] if name.startswith("serviceexecution.dev/")}
    assert ours == {
        "serviceexecution.dev/execution",
        "serviceexecution.dev/execution-uid",
        "serviceexecution.dev/attempt",
    }
    assert "serviceexecution.dev/source-digest" not in metadata["annotations"]


def test_an_affinity_is_held_to_what_pods_have():
    spec = {"runtime": {"docker": {"image": "a:1"}}, "affinity": {"nodeAffinty": {}}}
    found = make_plan(ExecutionSpec.model_validate(spec), UID, None)
    assert isinstance(found, PlanProblem)
    assert found.detail.startswith("spec.affinity.nodeAffinty is no field of a pod")
