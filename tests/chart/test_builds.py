"""What the chart makes of the values of builds: settings of controller and gateway, and the registry for try-outs."""

import json

import pytest

from serviceexecution.builds.names import build_labels
from serviceexecution.controller.settings import ControllerSettings
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.resources.executions.execution import ObjectMeta
from tests.chart.conftest import EVERYTHING, IN_CLUSTER, LARGE, REGISTRY, environment, named, of_kind

BUILD_CA = "/etc/serviceexecution/build-ca/ca.crt"


def containers(manifests):
    return {
        container["name"]: container
        for deployment in of_kind(manifests, "Deployment")
        for container in deployment["spec"]["template"]["spec"]["containers"]
    }


def settings_of(manifests):
    return ControllerSettings.from_environment(environment(containers(manifests)["controller"])).builds


def gateway_settings(manifests):
    values = environment(containers(manifests)["gateway"])
    return GatewaySettings.from_environment(
        {name: value for name, value in values.items() if value is not None}
    )


def registry_objects(manifests):
    return [one["kind"] for one in manifests if one["metadata"]["name"].endswith("-registry")]


@pytest.mark.parametrize("sets", [(), ("builds.enabled=false",), ("builds.enabled=false", *REGISTRY)])
def test_nothing_is_built_without_a_registry_or_when_switched_off(render, sets):
    assert settings_of(render(*sets)) is None
    assert registry_objects(render(*sets)) == []


def test_a_registry_is_all_that_builds_need(render):
    settings = settings_of(render(*REGISTRY))
    assert settings is not None
    assert settings.registry.address == settings.registry.push == "registry.example.com/services"
    assert not settings.registry.insecure
    assert settings.image == "ghcr.io/serviceexecution/builder:0.1.0"
    assert settings.python_base("3.12") == "ghcr.io/serviceexecution/python:3.12-0.1.0"
    assert (settings.builder, settings.namespaces, settings.seccomp_profile) == ("auto", (), "")
    assert settings_of(render(*REGISTRY, "builds.enabled=true")) == settings


def test_every_value_reaches_the_controller(render):
    settings = settings_of(render(values=EVERYTHING))
    assert settings is not None
    assert settings.builder == "buildah"
    assert settings.namespaces == ("team-a",)
    assert settings.seccomp_profile == "profiles/image-build.json"
    assert settings.image.startswith("registry.example.com/builder@sha256:0011")
    assert settings.image_pull_policy == "Always"
    assert settings.python_base("3.13") == "registry.example.com/python:3.13-9.9.9"
    assert (settings.concurrency, settings.timeout) == (2, 3600)
    assert settings.resources.model_dump(mode="json", exclude_none=True)["limits"]["memory"] == "8Gi"
    limits = settings.limits
    assert (limits.archive, limits.context, limits.files, limits.image) == (
        200 * 1024**2,
        2 * 1024**3,
        1000,
        16 * 1024**3,
    )
    assert settings.environment == {"HTTPS_PROXY": "http://proxy.example.com:3128"}
    registry = settings.registry
    assert (registry.address, registry.push_address) == (
        "registry.example.com/services",
        "registry.registries.svc:5000/services",
    )
    assert registry.insecure
    assert registry.credentials_secret == "registry-login"  # noqa: S105
    assert registry.mirrors == {"docker.io": "mirror.example.com/docker.io"}


def test_sizes_may_be_numbers(render, tmp_path):
    values = tmp_path / "values.yaml"
    values.write_text(json.dumps({"builds": {"limits": {"archive": 123456789, "image": 10**10}}}))
    manifests = render(*REGISTRY, values=str(values))
    assert settings_of(manifests).limits.archive == 123456789
    assert settings_of(manifests).limits.image == 10**10
    assert gateway_settings(manifests).source_limit == 123456789


def test_one_limit_of_archives_for_gateway_and_builds(render):
    manifests = render(*REGISTRY, "builds.limits.archive=7Mi")
    assert gateway_settings(manifests).source_limit == settings_of(manifests).limits.archive == 7 * 1024**2


@pytest.mark.parametrize("mode", [(), LARGE])
def test_the_gateway_alone_gets_the_certificates(render, mode):
    manifests = render(*mode, "builds.caBundle.configMap=roots", "builds.caBundle.key=roots.pem")
    assert gateway_settings(manifests).build_ca_file == BUILD_CA
    for name, container in containers(manifests).items():
        mounts = [mount for mount in container["volumeMounts"] if mount["name"] == "build-ca"]
        expected = {"name": "build-ca", "mountPath": "/etc/serviceexecution/build-ca", "readOnly": True}
        assert mounts == ([expected] if name == "gateway" else [])
    volumes = {
        deployment["metadata"]["name"]: [
            volume
            for volume in deployment["spec"]["template"]["spec"]["volumes"]
            if volume["name"] == "build-ca"
        ]
        for deployment in of_kind(manifests, "Deployment")
    }
    source = {"name": "roots", "items": [{"key": "roots.pem", "path": "ca.crt"}]}
    assert [found for found in volumes.values() if found] == [[{"name": "build-ca", "configMap": source}]]


def test_without_certificates_nothing_is_mounted(render):
    assert gateway_settings(render(*REGISTRY)).build_ca_file == ""
    assert "build-ca" not in json.dumps(render(*REGISTRY))


def test_builds_push_to_the_service_and_nodes_pull_from_their_own_port(render):
    manifests = render(*IN_CLUSTER, "builds.registry.inCluster.nodePort=31000")
    service = named(manifests, "Service", "sx-serviceexecution-registry")
    (port,) = service["spec"]["ports"]
    registry = settings_of(manifests).registry
    assert registry.address == f"localhost:{port['nodePort']}" == "localhost:31000"
    assert registry.push_address == f"{service['metadata']['name']}.system.svc:{port['port']}"
    assert registry.insecure
    assert service["spec"]["type"] == "NodePort"
    pod = named(manifests, "Deployment", "sx-serviceexecution-registry")["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


def test_the_gateways_service_does_not_select_the_registry(render):
    manifests = render(*IN_CLUSTER)
    selector = named(manifests, "Service", "sx-serviceexecution-gateway")["spec"]["selector"]
    labels = named(manifests, "Deployment", "sx-serviceexecution-registry")["spec"]["template"]["metadata"][
        "labels"
    ]
    assert not selector.items() <= labels.items()


def test_the_registry_is_one_pod_that_may_delete(render):
    deployment = named(render(*IN_CLUSTER), "Deployment", "sx-serviceexecution-registry")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("docker.io/library/registry@sha256:"), (
        "by digest, and no tag can move it"
    )
    assert environment(container)["REGISTRY_STORAGE_DELETE_ENABLED"] == "true"
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == "http"


def test_what_restarts_the_operator_leaves_the_registry_alone(render):
    manifests = render(*IN_CLUSTER, "podAnnotations.example\\.com/content=new")
    template = named(manifests, "Deployment", "sx-serviceexecution-registry")["spec"]["template"]
    assert "annotations" not in template["metadata"]


@pytest.mark.parametrize(
    ("value", "volume", "claims"),
    [
        ("size=5Gi", {"persistentVolumeClaim": {"claimName": "sx-serviceexecution-registry"}}, 1),
        ("existingClaim=mine", {"persistentVolumeClaim": {"claimName": "mine"}}, 0),
        ("enabled=false", {"emptyDir": {}}, 0),
    ],
)
def test_where_the_registry_keeps_images(render, value, volume, claims):
    manifests = render(*IN_CLUSTER, f"builds.registry.inCluster.persistence.{value}")
    pod = named(manifests, "Deployment", "sx-serviceexecution-registry")["spec"]["template"]["spec"]
    assert {"name": "images", **volume} in pod["volumes"]
    found = [
        claim
        for claim in of_kind(manifests, "PersistentVolumeClaim")
        if claim["metadata"]["name"].endswith("-registry")
    ]
    assert len(found) == claims
    for claim in found:
        assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        assert claim["spec"]["resources"]["requests"]["storage"] == "5Gi"


def test_the_claim_of_the_registry_can_go_with_the_release(render):
    manifests = render(*IN_CLUSTER, "builds.registry.inCluster.persistence.keep=false")
    assert (
        "annotations"
        not in named(manifests, "PersistentVolumeClaim", "sx-serviceexecution-registry")["metadata"]
    )


def allowed(manifests, name):
    """The peers that a NetworkPolicy lets in; None is everybody."""
    policy = named(manifests, "NetworkPolicy", f"sx-serviceexecution-{name}")
    (rule,) = [
        rule for rule in policy["spec"]["ingress"] if {"port": "http", "protocol": "TCP"} in rule["ports"]
    ]
    return rule.get("from")


def selects(peer, labels):
    expressions = peer.get("podSelector", {}).get("matchExpressions", [])
    return bool(expressions) and all(
        one["operator"] == "Exists" and one["key"] in labels for one in expressions
    )


def test_builds_reach_gateway_and_registry(render):
    metadata = ObjectMeta(
        namespace="team-a", name="adder", uid="u", creation_timestamp="2026-01-01T00:00:00Z"
    )
    labels = build_labels(metadata, "r1", 1)
    sets = (
        *IN_CLUSTER,
        "networkPolicy.enabled=true",
        "networkPolicy.registryFrom[0].ipBlock.cidr=10.0.0.0/8",
    )
    manifests = render(*sets)
    assert any(selects(peer, labels) for peer in allowed(manifests, "gateway"))
    registry = allowed(manifests, "registry")
    assert any(selects(peer, labels) for peer in registry)
    assert {"ipBlock": {"cidr": "10.0.0.0/8"}} in registry
    assert not any(selects(peer, {"serviceexecution.dev/execution-uid": "u"}) for peer in registry)
    assert named(manifests, "NetworkPolicy", "sx-serviceexecution-registry")["spec"]["egress"] == []


def test_without_the_nodes_addresses_everybody_reaches_the_registry(render):
    """Nodes pull from it, and no selector finds them."""
    assert allowed(render(*IN_CLUSTER, "networkPolicy.enabled=true"), "registry") is None
    assert "sx-serviceexecution-registry" not in [
        policy["metadata"]["name"]
        for policy in of_kind(render("networkPolicy.enabled=true"), "NetworkPolicy")
    ]


def test_the_public_url_stands_at_the_gateways_service(render):
    def annotations(*sets):
        service = named(render(*sets), "Service", "sx-serviceexecution-gateway")
        found = service["metadata"]["annotations"]
        # access keys are bound to it
        account = named(render(*sets), "ServiceAccount", found.pop("serviceexecution.dev/service-account"))
        assert account["metadata"]["namespace"] == service["metadata"]["namespace"]
        return found

    assert annotations() == {}
    url = "https://services.example.com"
    assert annotations(f"gateway.publicUrl={url}") == {"serviceexecution.dev/public-url": url}
    sets = ("gateway.ingress.enabled=true", "gateway.ingress.hosts={services.example.com}")
    assert annotations(*sets, "gateway.ingress.tls[0].secretName=tls", "gateway.service.annotations.a=b") == {
        "serviceexecution.dev/public-url": url,
        "a": "b",
    }
