"""Values that cannot work are refused before anything is installed, with a sentence."""

import pytest

from tests.chart.conftest import IN_CLUSTER, LARGE, REGISTRY, ChartRefusedError


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (["nosuchkey=1"], "additional properties 'nosuchkey' not allowed"),
        (["gateway.servce.port=80"], "additional properties 'servce' not allowed"),
        (["mode=medium"], "value must be one of 'small', 'large'"),
        (["image.digest=sha256:12"], "does not match pattern"),
        (["executions.logLimit=many"], "does not match pattern"),
        (["executions.runAsUser=0"], "minimum"),
        (["store.options.allow_http=true"], "got boolean, want string"),
        (["collector.resources.limit.cpu=1"], "additional properties 'limit' not allowed"),
        (["mode=large"], "mode large needs an object store"),
        (["mode=large", "store.url=file:///data"], "mode large needs an object store"),
        (["store.url=file:///data"], "store.url: names object stores only"),
        (["store.url=s3://bucket"], "store.clusterId: an object store needs an id of this cluster"),
        (["store.options.region=eu-central-1"], "store.options: belong to an object store"),
        (["podDisruptionBudget.enabled=true"], "podDisruptionBudget.enabled: needs mode large"),
        (
            ["monitoring.podMonitor.enabled=true", "monitoring.serviceMonitor.enabled=true"],
            "enable either podMonitor or serviceMonitor",
        ),
        (["serviceAccount.create=false"], "serviceAccount.controllerName: name an existing ServiceAccount"),
        (
            ["serviceAccount.create=false", "serviceAccount.controllerName=a"],
            "serviceAccount.gatewayName: name an existing ServiceAccount",
        ),
        (
            ["serviceAccount.controllerName=a", "serviceAccount.gatewayName=a"],
            "serviceAccount.gatewayName: must be another account than the controller's",
        ),
        (
            ["store.persistence.enabled=false"],
            "store.persistence.enabled: controller and gateway are two pods",
        ),
        (["store.persistence.accessModes={ReadWriteOncePod}"], "ReadWriteOncePod lets one pod alone mount"),
        (
            ["affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey=zone"],
            "affinity.podAffinity: controller and gateway already have to be on one node",
        ),
        (["extraEnv[0].name=SX_STORE_URL"], "extraEnv: SX_STORE_URL is already set"),
        (["builds.enabled=true"], "builds.enabled: builds need a registry"),
        (["builds.enabled=perhaps"], "value must be one of 'auto', true, false"),
        ([*REGISTRY, *IN_CLUSTER], "builds.registry: give either an address or inCluster.enabled"),
        (
            ["builds.registry.pushAddress=push.example.com", *IN_CLUSTER],
            "builds.registry: give either an address or inCluster.enabled",
        ),
        (
            ["builds.registry.pushAddress=push.example.com"],
            "builds.registry.pushAddress: belongs to a registry",
        ),
        (["builds.registry.insecure=true"], "builds.registry.insecure: belongs to a registry"),
        (["builds.registry.credentialsSecret=a"], "builds.registry.credentialsSecret: belongs to a registry"),
        (["builds.registry.address=https://registry.example.com"], "does not match pattern"),
        (["builds.registry.address=registry.example.com/"], "does not match pattern"),
        (
            [*REGISTRY, "watchNamespaces={team-a}", "builds.namespaces={team-b}"],
            "builds.namespaces: team-b is not among watchNamespaces",
        ),
        (
            [*IN_CLUSTER, "gateway.service.type=NodePort", "gateway.service.nodePort=30500"],
            "builds.registry.inCluster.nodePort: 30500 is the gateway's port",
        ),
        ([*REGISTRY, "builds.builder=kaniko"], "value must be one of 'auto', 'buildkit', 'buildah'"),
        ([*REGISTRY, "builds.concurrency=0"], "minimum"),
        ([*REGISTRY, "builds.timeout=soon"], "does not match pattern"),
        ([*REGISTRY, "builds.limits.image=huge"], "does not match pattern"),
        ([*REGISTRY, "builds.environment.HTTPS-PROXY=a"], "does not match pattern"),
        ([*REGISTRY, "builds.seccompProfile=../a.json"], "does not match pattern"),
        (["gateway.console.openIdConnect.issuer=http://id.example.com"], "does not match pattern"),
        (
            ["gateway.console.openIdConnect.issuer=https://id.example.com"],
            "gateway.console.openIdConnect: issuer and clientId belong together",
        ),
        (
            [
                "gateway.console.openIdConnect.issuer=https://id.example.com",
                "gateway.console.openIdConnect.clientId=console",
                "gateway.console.openIdConnect.scopes={email}",
            ],
            "scopes",
        ),
        (
            [*LARGE, "extraEnv[0].name=A", "extraEnv[0].value=x", "gateway.extraEnv[0].name=A"],
            "extraEnv: A is already set",
        ),
    ],
)
def test_wrong_values_are_refused_with_a_sentence(render, sets, sentence):
    with pytest.raises(ChartRefusedError) as refused:
        render(*sets)
    assert sentence in str(refused.value)


def test_values_of_a_parent_chart_are_accepted(render):
    assert render("global.imageRegistry=registry.example.com")
