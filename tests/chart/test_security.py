"""Least rights, and pods that pass Pod Security restricted."""

import re

import pytest
import yaml

from serviceexecution.resources.names import LABEL_REVISION
from tests.chart.conftest import EVERYTHING, IN_CLUSTER, LARGE, REGISTRY, named, of_kind
from tests.chart.rights import granted, rights
from tools import ROOT
from tools.chart.install_manifest import CHART

LAYOUTS = {
    "small": ((), None),
    "large": (LARGE, None),
    "namespaced": (("watchNamespaces={team-a,team-b}",), None),
    "builds": (IN_CLUSTER, None),
    "everything": ((), EVERYTHING),
}


@pytest.fixture(params=LAYOUTS)
def layout(request, render):
    sets, values = LAYOUTS[request.param]
    return render(*sets, values=values)


def every(resource, *verbs):
    return {(resource, verb) for verb in verbs}


CONTROLLER = (
    every("serviceexecution.dev/serviceexecutions", "get", "list", "watch", "delete")
    | every("serviceexecution.dev/serviceexecutions/status", "patch")
    | every("serviceexecution.dev/serviceexecutions/finalizers", "update")
    | every("serviceexecution.dev/servicedefinitions", "get", "list", "watch")
    | every("serviceexecution.dev/servicedefinitions/status", "patch")
    | every("/secrets", "delete")
    | every("batch/jobs", "create", "get", "list", "watch", "delete")
    | every("/pods", "get", "list", "watch", "patch")
    | every("/pods/log", "get")
    | every("/configmaps", "create", "get")
    | every("serviceexecution.dev/datapools", "get", "list", "watch")
    | every("serviceexecution.dev/datapools/status", "patch")
    | every("/persistentvolumeclaims", "get", "list", "create")
    | every("/events", "create", "list")
)
BUILDS = every("serviceexecution.dev/servicedefinitions/finalizers", "update") | every("/namespaces", "get")
GATEWAY = (
    every("serviceexecution.dev/serviceexecutions", "get", "list", "watch", "create", "patch")
    | every("serviceexecution.dev/servicedefinitions", "get", "list", "watch")
    | every("/configmaps", "create", "get", "list", "patch", "delete")
    | every("/secrets", "create")
    | every("batch/jobs", "get")
    | every("/pods", "get", "watch")
    | every("serviceexecution.dev/datapools", "get", "list")
    | every("serviceexecution.dev/datapools/status", "patch")
    | every("/persistentvolumeclaims", "list")
)
OWN = {("apps/deployments", "get"), ("coordination.k8s.io/leases", "get")}
"""The gateway's, of what the installation itself is made of, by name."""
REVIEWS = {
    ("authentication.k8s.io/tokenreviews", "create"),
    ("authorization.k8s.io/subjectaccessreviews", "create"),
}
LEASES = every("coordination.k8s.io/leases", "create", "get", "patch")


def test_no_wildcards_and_no_secret_is_readable(layout):
    for role in of_kind(layout, "Role", "ClusterRole"):
        for rule in role["rules"]:
            granted = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert "*" not in "".join(granted), role["metadata"]["name"]
            assert not {"impersonate", "escalate", "bind"} & set(granted), role["metadata"]["name"]
            assert "serviceaccounts/token" not in granted, role["metadata"]["name"]
            if "secrets" in granted and rule.get("resourceNames") != ["serviceexecution-callbacks"]:
                assert len(rule["verbs"]) == 1, rule
                assert set(rule["verbs"]) <= {"create", "delete"}, rule


@pytest.mark.parametrize("urls", ["", "https://hooks.example.com/"])
def test_the_keys_of_callbacks_are_readable_only_where_callbacks_are_allowed(render, urls):
    manifests = render(*LARGE, *([f"callbacks.allowedUrls={{{urls}}}"] if urls else []))
    controller = named(manifests, "ClusterRole", "sx-serviceexecution-controller")
    named_rules = [rule for rule in controller["rules"] if "resourceNames" in rule]
    expected = {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": ["serviceexecution-callbacks"],
        "verbs": ["get"],
    }
    assert named_rules == ([expected] if urls else [])


def test_clients_of_the_service_api_may_use_services_and_no_more(render):
    role = named(render(), "ClusterRole", "sx-serviceexecution-submit")
    granted = {
        (resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    assert granted == every("serviceexecutions", "get", "list") | {
        ("serviceexecutions/cancel", "update"),
        ("servicedefinitions/run", "create"),
        ("serviceexecutions/results", "get"),
        ("serviceexecutions/log", "get"),
        ("servicedefinitions", "get"),
        *every("datapools", "get", "list"),
        *every("datapools/files", "get", "create", "delete"),
    }
    assert not [label for label in role["metadata"]["labels"] if "aggregate" in label]


SERVED = {
    f"{kind}{part}"
    for kind in ("serviceexecutions", "servicedefinitions", "datapools")
    for part in ("", "/status")
}
"""What the API server itself serves of our group: all else is asked by the gateway alone."""


@pytest.mark.parametrize("role", ["submit", "develop", "view"])
def test_roles_of_clients_let_nobody_write_at_the_api_server(render, role):
    rules = named(render(), "ClusterRole", f"sx-serviceexecution-{role}")["rules"]
    assert {group for rule in rules for group in rule["apiGroups"]} == {"serviceexecution.dev"}
    served = {
        verb
        for rule in rules
        for verb in rule["verbs"]
        for resource in rule["resources"]
        if resource in SERVED
    }
    assert served <= {"get", "list", "watch"}


def test_who_may_edit_may_do_all_that_clients_may(render):
    edit, view = (named(render(), "ClusterRole", f"sx-serviceexecution-{role}") for role in ("edit", "view"))
    develop = named(render(), "ClusterRole", "sx-serviceexecution-develop")
    assert granted(develop) <= granted(edit) | granted(view)


def test_no_authentication_must_be_asked_for_twice(render, refused):
    assert "auth.allowUnauthenticated" in refused("auth.mode=none")
    manifests = render("auth.mode=none", "auth.allowUnauthenticated=true")
    (gateway,) = named(manifests, "Deployment", "sx-serviceexecution-gateway")["spec"]["template"]["spec"][
        "containers"
    ]
    assert {"name": "SX_AUTH_MODE", "value": "none"} in gateway["env"]


@pytest.mark.parametrize("mode", [(), LARGE], ids=["small", "large"])
def test_rights_are_the_same_in_both_modes(render, mode):
    manifests = render(*mode)
    assert rights(manifests, "sx-serviceexecution-controller") == {"": CONTROLLER, "system": LEASES}
    assert rights(manifests, "sx-serviceexecution-gateway") == {"": GATEWAY | REVIEWS, "system": OWN}


def test_what_speaks_http_may_not_make_jobs(layout):
    """In either mode: each Deployment has one container and an account of its own."""
    accounts = {}
    for deployment in of_kind(layout, "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        accounts[container["name"]] = pod.get("serviceAccountName")
    assert accounts["gateway"] != accounts["controller"]
    granted = set().union(*rights(layout, accounts["gateway"]).values())
    assert {verb for resource, verb in granted if resource == "batch/jobs"} == {"get"}
    assert not [pair for pair in granted if pair[0].startswith("/pods") and pair[1] not in {"get", "watch"}]


def test_rights_in_named_namespaces(render):
    manifests = render(*LARGE, "watchNamespaces={team-a,team-b}")
    assert rights(manifests, "sx-serviceexecution-controller") == {
        "team-a": CONTROLLER,
        "team-b": CONTROLLER,
        "system": LEASES,
    }
    assert rights(manifests, "sx-serviceexecution-gateway") == {
        "team-a": GATEWAY,
        "team-b": GATEWAY,
        "": REVIEWS,
        "system": OWN,
    }


@pytest.mark.parametrize("registry", [REGISTRY, IN_CLUSTER])
def test_rights_where_images_are_built(render, registry):
    manifests = render(*LARGE, *registry)
    controller = rights(manifests, "sx-serviceexecution-controller")
    assert controller == {"": CONTROLLER | BUILDS, "system": LEASES}
    assert rights(manifests, "sx-serviceexecution-gateway") == {"": GATEWAY | REVIEWS, "system": OWN}


def test_rights_of_builds_stay_in_named_namespaces(render):
    """A Role may let its holder read the one Namespace that it lies in."""
    manifests = render(*LARGE, *REGISTRY, "watchNamespaces={team-a,team-b}")
    controller = rights(manifests, "sx-serviceexecution-controller")
    assert controller == {"team-a": CONTROLLER | BUILDS, "team-b": CONTROLLER | BUILDS, "system": LEASES}


def test_users_upload_sources_and_read_logs_of_builds(render):
    view = named(render(), "ClusterRole", "sx-serviceexecution-view")
    edit = named(render(), "ClusterRole", "sx-serviceexecution-edit")
    assert ("servicedefinitions/log", "get") in granted(view)
    assert ("servicedefinitions/source", "create") in granted(edit)
    assert not [pair for pair in granted(view) if pair[1] not in {"get", "list", "watch"}]


def test_developers_may_do_what_clients_may_and_what_a_deployment_needs(render):
    role = named(render(), "ClusterRole", "sx-serviceexecution-develop")
    submit = named(render(), "ClusterRole", "sx-serviceexecution-submit")
    assert granted(role) == granted(submit) | {
        ("servicedefinitions/source", "create"),
        ("servicedefinitions/log", "get"),
        ("serviceexecutions/results", "delete"),
    }
    assert role["metadata"]["labels"]["serviceexecution.dev/role"] == "develop"
    assert not [label for label in role["metadata"]["labels"] if "aggregate" in label]


def test_who_is_authenticated_reaches_the_gateway_through_the_api_server_and_nothing_else(render):
    role = named(render(), "Role", "sx-serviceexecution-gateway-proxy")
    assert role["metadata"]["namespace"] == "system"
    names = {tuple(rule["resources"]): rule["resourceNames"] for rule in role["rules"]}
    assert names == {
        ("services/proxy",): ["http:sx-serviceexecution-gateway:http"],
        ("services",): ["sx-serviceexecution-gateway"],
    }
    assert granted(role) == every("services/proxy", "get", "create", "update", "delete") | {
        ("services", "get")
    }
    binding = named(render(), "RoleBinding", "sx-serviceexecution-gateway-proxy")
    assert [subject["name"] for subject in binding["subjects"]] == ["system:authenticated"]
    ours = render("gateway.apiServerProxy.groups={developers,operators}")
    subjects = named(ours, "RoleBinding", "sx-serviceexecution-gateway-proxy")["subjects"]
    assert [subject["name"] for subject in subjects] == ["developers", "operators"]
    without = render("gateway.apiServerProxy.enabled=false")
    assert not [one for one in without if one["metadata"]["name"].endswith("-gateway-proxy")]


def test_the_registry_has_no_rights_and_no_token(render):
    manifests = render(*IN_CLUSTER)
    pod = named(manifests, "Deployment", "sx-serviceexecution-registry")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod


def test_users_get_results_and_logs_with_the_default_roles(render):
    view = named(render(), "ClusterRole", "sx-serviceexecution-view")
    edit = named(render(), "ClusterRole", "sx-serviceexecution-edit")
    for role in ("view", "edit", "admin"):
        assert view["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{role}"] == "true"
    assert "rbac.authorization.k8s.io/aggregate-to-view" not in edit["metadata"]["labels"]
    readable = {
        resource for rule in view["rules"] if "get" in rule["verbs"] for resource in rule["resources"]
    }
    assert {"serviceexecutions", "serviceexecutions/results", "serviceexecutions/log"} <= readable


def test_users_can_be_kept_out_of_the_default_roles(render):
    for role in ("view", "edit"):
        labels = named(
            render("rbac.aggregateToDefaultRoles=false"), "ClusterRole", f"sx-serviceexecution-{role}"
        )["metadata"]["labels"]
        assert not [label for label in labels if "aggregate" in label]


def pods(manifests):
    for manifest in of_kind(manifests, "Deployment"):
        yield manifest["spec"]["template"]["spec"]
    for manifest in of_kind(manifests, "Pod"):
        yield manifest["spec"]


def test_rendered_pods_fulfil_the_restricted_level(layout):
    found = list(pods(layout))
    assert found
    for pod in found:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        allowed = {"emptyDir", "persistentVolumeClaim", "configMap", "secret", "projected"}
        assert all((volume.keys() - {"name"}) <= allowed for volume in pod.get("volumes", []))
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_containers_of_the_operator_have_probes(layout):
    for deployment in of_kind(layout, "Deployment"):
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            if container["name"] == "registry":
                continue
            ports = {port["name"] for port in container["ports"]}
            for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
                assert container[probe]["httpGet"]["path"] == path
                assert container[probe]["httpGet"]["port"] in ports


def test_policies_are_bound_and_fail_closed(layout):
    policies = of_kind(layout, "ValidatingAdmissionPolicy")
    bound = {b["spec"]["policyName"] for b in of_kind(layout, "ValidatingAdmissionPolicyBinding")}
    assert {policy["metadata"]["name"] for policy in policies} == bound
    for policy in policies:
        assert policy["spec"]["failurePolicy"] == "Fail"
        assert policy["spec"]["matchConditions"]


def test_fence_names_the_account_of_the_controller(layout):
    controller = next(
        d["spec"]["template"]["spec"]["serviceAccountName"]
        for d in of_kind(layout, "Deployment")
        if any(c["name"] == "controller" for c in d["spec"]["template"]["spec"]["containers"])
    )
    fences = [
        p for p in of_kind(layout, "ValidatingAdmissionPolicy") if "-controller-" in p["metadata"]["name"]
    ]
    kinds = {fence["metadata"]["name"].rpartition("-")[2] for fence in fences}
    assert kinds == {"pods", "jobs", "secrets", "inputs", "executions", "claims", "events"}
    for fence in fences:
        (condition,) = fence["spec"]["matchConditions"]
        assert (
            condition["expression"]
            == f'request.userInfo.username == "system:serviceaccount:system:{controller}"'
        )
    (jobs,) = [
        p for p in of_kind(layout, "ValidatingAdmissionPolicy") if p["metadata"]["name"].endswith("-run-jobs")
    ]
    (condition,) = jobs["spec"]["matchConditions"]
    assert (
        condition["expression"]
        == f'!(request.userInfo.username in ["system:serviceaccount:system:{controller}"])'
    )


def test_fence_names_the_account_of_the_gateway(layout):
    gateway = next(
        d["spec"]["template"]["spec"]["serviceAccountName"]
        for d in of_kind(layout, "Deployment")
        if d["spec"]["template"]["spec"]["containers"][0]["name"] == "gateway"
    )
    policies = of_kind(layout, "ValidatingAdmissionPolicy")
    fences = [policy for policy in policies if "-gateway-" in policy["metadata"]["name"]]
    assert len(fences) == 6
    for fence in fences:
        (condition,) = fence["spec"]["matchConditions"]
        assert (
            condition["expression"]
            == f'request.userInfo.username == "system:serviceaccount:system:{gateway}"'
        )


def test_fence_of_the_gateway_names_every_member_of_a_spec_that_may_change(render):
    """What is immutable for everybody needs no fence; a member that is new and mutable does."""
    crd = yaml.safe_load((ROOT / "crds" / "serviceexecution.dev_serviceexecutions.yaml").read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    compared = re.compile(r"has\(self\.(\w+)\) == has\(oldSelf\.\1\)")
    rules = [compared.findall(rule["rule"]) for rule in spec["x-kubernetes-validations"]]
    mutable = spec["properties"].keys() - set().union(*rules)
    fence = named(render(), "ValidatingAdmissionPolicy", "sx-serviceexecution-gateway-executions")
    update = fence["spec"]["validations"][-1]["expression"]
    assert "request.operation != 'UPDATE'" in update
    assert {
        name for name in mutable if f"object.spec.?{name} == oldObject.spec.?{name}" in update
    } == mutable - {"cancel"}
    assert "object.spec.?cancel.orValue(false)" in update


def test_the_account_of_helm_test_is_fenced_where_it_has_a_right(layout):
    """In the release's namespace ``create serviceexecutions`` is within reach of the operator's accounts."""
    (pod,) = of_kind(layout, "Pod")
    account = pod["spec"]["serviceAccountName"]
    assert set().union(*rights(layout, account).values()) == every(
        "serviceexecution.dev/serviceexecutions", "create", "get", "delete"
    )
    policy = named(layout, "ValidatingAdmissionPolicy", account)
    (condition,) = policy["spec"]["matchConditions"]
    assert condition["expression"].endswith(f'"system:serviceaccount:system:{account}"')


def test_kubernetes_alone_makes_the_pods_of_builds(render):
    manifests = render("admissionPolicies.buildPods.creators={system:kube-controller-manager}")
    policies = of_kind(manifests, "ValidatingAdmissionPolicy")
    (policy,) = [one for one in policies if one["metadata"]["name"].endswith("-build-pods")]
    (condition,) = policy["spec"]["matchConditions"]
    assert condition["expression"] == '!(request.userInfo.username in ["system:kube-controller-manager"])'
    (selected,) = policy["spec"]["matchConstraints"]["objectSelector"]["matchExpressions"]
    assert selected == {"key": LABEL_REVISION, "operator": "Exists"}


def test_policies_can_be_left_out(render):
    manifests = render(
        "admissionPolicies.input.enabled=false",
        "admissionPolicies.controllerFence.enabled=false",
        "admissionPolicies.gatewayFence.enabled=false",
        "admissionPolicies.buildPods.enabled=false",
    )
    left = of_kind(manifests, "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    assert {policy["metadata"]["name"] for policy in left} == {"sx-serviceexecution-test"}, (
        "goes with helm test"
    )


def test_templates_name_no_secret_of_the_operator():
    """Only the credentials Secret that a user names is ever mounted."""
    for template in (ROOT / CHART / "templates").rglob("*"):
        if template.is_file() and template.name != "_pods.tpl":
            assert not re.search(r"secretKeyRef:(?! \{name: my-secret)|secretRef:", template.read_text()), (
                template
            )


def test_install_manifest_enforces_restricted_on_its_namespace():
    namespace = next(yaml.safe_load_all((ROOT / "manifests" / "install.yaml").read_text()))
    assert namespace["kind"] == "Namespace"
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
