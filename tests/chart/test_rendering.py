"""What the chart makes of its values."""

import json
import subprocess
import tomllib

import pytest
import yaml

from serviceexecution.controller.settings import ControllerSettings
from serviceexecution.gateway.identity_provider import IdentityProvider
from serviceexecution.gateway.settings import GatewaySettings
from tests.chart.conftest import EVERYTHING, IN_CLUSTER, LARGE, environment, named, of_kind
from tools import ROOT
from tools.chart.install_manifest import CHART
from tools.chart.values import parse_values

LAYOUTS = {
    "small": ((), None),
    "large": (LARGE, None),
    "builds": (IN_CLUSTER, None),
    "everything": ((), EVERYTHING),
}


@pytest.fixture(params=LAYOUTS)
def layout(request, render):
    sets, values = LAYOUTS[request.param]
    return render(*sets, values=values)


@pytest.mark.parametrize("values", [None, EVERYTHING])
def test_helm_lint_accepts_the_chart(helm, values):
    command = [helm, "lint", "--strict", "--kube-version", "1.31.0", CHART]
    command += [] if values is None else ["--values", values]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_values_set_every_value():
    values = parse_values((ROOT / CHART / "values.yaml").read_text())
    everything = yaml.safe_load((ROOT / EVERYTHING).read_text())

    def missing(section, given):
        for value in section:
            if value.name not in given:
                yield value.path
            elif value.children:
                yield from missing(value.children, given[value.name])

    assert list(missing(values, everything)) == []


def test_small_is_two_pods_on_one_volume(render):
    manifests = render()
    (claim,) = of_kind(manifests, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    volume = {"persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}, "name": "store"}
    deployments = of_kind(manifests, "Deployment")
    assert [deployment["metadata"]["name"] for deployment in deployments] == [
        "sx-serviceexecution-controller",
        "sx-serviceexecution-gateway",
    ]
    for deployment in deployments:
        assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (1, {"type": "Recreate"})
        spec = deployment["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        assert deployment["metadata"]["name"].endswith(container["name"])
        assert volume in spec["volumes"]
        assert spec["serviceAccountName"] == deployment["metadata"]["name"]


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def affinities(manifests):
    return [
        deployment["spec"]["template"]["spec"].get("affinity")
        for deployment in of_kind(manifests, "Deployment")
    ]


def matches(selector, labels):
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        rule["operator"] == "In" and labels.get(rule["key"]) in rule["values"]
        for rule in selector.get("matchExpressions", [])
    )


def test_pods_of_one_volume_are_on_one_node(render):
    """Both fulfil the rule of both, so that whichever comes first may go anywhere and the other one follows."""
    deployments = of_kind(render(), "Deployment")
    for deployment in deployments:
        (rule,) = deployment["spec"]["template"]["spec"]["affinity"]["podAffinity"][REQUIRED]
        assert rule["topologyKey"] == "kubernetes.io/hostname"
        for other in deployments:
            assert matches(rule["labelSelector"], other["spec"]["template"]["metadata"]["labels"])
        registry = {"app.kubernetes.io/component": "registry"}
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert not matches(rule["labelSelector"], {**labels, **registry})


def test_new_pods_wait_for_the_one_pod_of_earlier_releases(render):
    """It has no Lease: they have to be where it is, and may not be beside it."""
    before = {
        "app.kubernetes.io/name": "serviceexecution",
        "app.kubernetes.io/instance": "sx",
        "app.kubernetes.io/component": "operator",
    }
    for affinity in affinities(render()):
        (near,) = affinity["podAffinity"][REQUIRED]
        (apart,) = affinity["podAntiAffinity"][REQUIRED]
        assert near["topologyKey"] == apart["topologyKey"] == "kubernetes.io/hostname"
        assert matches(near["labelSelector"], before)
        assert matches(apart["labelSelector"], before)
        assert not matches(apart["labelSelector"], {**before, "app.kubernetes.io/component": "controller"})


def test_replicas_are_spread_over_the_nodes(render):
    """With both on one node, its loss would leave no controller and no gateway."""
    for deployment in of_kind(render(*LARGE), "Deployment"):
        template = deployment["spec"]["template"]
        (rule,) = template["spec"]["topologySpreadConstraints"]
        assert (rule["maxSkew"], rule["topologyKey"]) == (1, "kubernetes.io/hostname")
        assert rule["whenUnsatisfiable"] == "ScheduleAnyway", "one node is enough"
        assert rule["matchLabelKeys"] == ["pod-template-hash"], "old pods of a rollout do not count"
        assert rule["labelSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


def test_a_spread_of_the_values_replaces_ours(render):
    own = ("maxSkew=2", "topologyKey=zone", "whenUnsatisfiable=DoNotSchedule")
    sets = [f"topologySpreadConstraints[0].{field}" for field in own]
    for deployment in of_kind(render(*LARGE, *sets), "Deployment"):
        (rule,) = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert rule["topologyKey"] == "zone"


def test_the_only_pod_of_each_kind_has_no_spread(render):
    for deployment in of_kind(render(), "Deployment"):
        assert "topologySpreadConstraints" not in deployment["spec"]["template"]["spec"]


def test_pods_of_a_shared_volume_or_of_an_object_store_may_be_apart(render):
    for affinity in affinities(render("store.persistence.accessModes={ReadWriteMany}")):
        assert REQUIRED not in affinity["podAffinity"]
        assert len(affinity["podAffinity"][PREFERRED]) == 1
    assert affinities(render("store.url=s3://bucket", "store.clusterId=one")) == [None, None]
    assert affinities(render(*LARGE)) == [None, None]


def test_scheduling_rules_of_the_user_stay(render):
    zone = f"affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0]"
    wish = f"affinity.podAntiAffinity.{PREFERRED}[0]"
    sets = (f"{zone}.key=zone", f"{zone}.operator=Exists", f"{wish}.weight=1")
    for affinity in affinities(render(*sets)):
        assert affinity["nodeAffinity"][REQUIRED]["nodeSelectorTerms"]
        assert affinity["podAntiAffinity"][PREFERRED] == [{"weight": 1}]
        assert len(affinity["podAntiAffinity"][REQUIRED]) == len(affinity["podAffinity"][REQUIRED]) == 1


def test_a_lease_keeps_a_second_controller_away_in_both_modes(render):
    for manifests in (render(), render(*LARGE)):
        controller = named(manifests, "Deployment", "sx-serviceexecution-controller")
        settings = environment(controller["spec"]["template"]["spec"]["containers"][0])
        assert (settings["SX_LEASE_NAME"], settings["SX_LEASE_NAMESPACE"]) == (
            "sx-serviceexecution-controller",
            "system",
        )


def test_a_lease_is_short_where_somebody_waits_for_it(render):
    def seconds(*sets: str) -> str | None:
        controller = named(render(*sets), "Deployment", "sx-serviceexecution-controller")
        return environment(controller["spec"]["template"]["spec"]["containers"][0]).get("SX_LEASE_SECONDS")

    assert (seconds(), seconds(*LARGE)) == (None, "10")


def test_no_deployment_has_the_name_of_the_one_pod_of_earlier_releases(render):
    """Its selector cannot be changed, so Helm must delete it."""
    assert "sx-serviceexecution" not in {d["metadata"]["name"] for d in of_kind(render(), "Deployment")}


def test_large_is_two_deployments_without_volume(render):
    manifests = render(*LARGE)
    deployments = of_kind(manifests, "Deployment")
    assert {d["metadata"]["name"]: d["spec"]["replicas"] for d in deployments} == {
        "sx-serviceexecution-controller": 2,
        "sx-serviceexecution-gateway": 2,
    }
    assert of_kind(manifests, "PersistentVolumeClaim") == []
    for deployment in deployments:
        assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == deployment["metadata"]["name"]


def test_services_select_the_gateway(layout):
    service = next(s for s in of_kind(layout, "Service") if s["metadata"]["name"].endswith("-gateway"))
    wanted = service["spec"]["selector"].items()
    (pod,) = [
        deployment["spec"]["template"]
        for deployment in of_kind(layout, "Deployment")
        if wanted <= deployment["spec"]["template"]["metadata"]["labels"].items()
    ]
    gateway = next(c for c in pod["spec"]["containers"] if c["name"] == "gateway")
    assert {"name": "http", "containerPort": 8080, "protocol": "TCP"} in gateway["ports"]


def test_deployments_select_their_own_pods(layout):
    for deployment in of_kind(layout, "Deployment"):
        selector = deployment["spec"]["selector"]["matchLabels"]
        assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_both_processes_read_their_settings(layout):
    containers = {
        container["name"]: environment(container)
        for deployment in of_kind(layout, "Deployment")
        for container in deployment["spec"]["template"]["spec"]["containers"]
    }
    controller = ControllerSettings.from_environment(containers["controller"])
    gateway = GatewaySettings.from_environment(
        {k: v for k, v in containers["gateway"].items() if v is not None}
    )
    read = {variable.name for settings in (controller, gateway) for variable in settings.variables().values()}
    given = {name for container in ("controller", "gateway") for name in containers[container]}
    assert {name for name in given if name.startswith("SX_")} <= read
    assert controller.store_url == gateway.store_url
    assert controller.cluster_id == gateway.cluster_id
    assert controller.store_options == gateway.store_options


def test_traces_go_where_the_values_say_with_headers_of_a_secret(render):
    url = "http://collector.observability:4318/v1/traces"
    secret = {"secretKeyRef": {"name": "trace-key", "key": "headers"}}
    traced = render(f"tracing.endpoint={url}", "tracing.headersSecret=trace-key")
    for deployment in of_kind(traced, "Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        given = environment(container)
        assert given["SX_TRACES_URL"] == url
        assert {"name": "SX_TRACES_HEADERS", "valueFrom": secret} in container["env"]
        settings = ControllerSettings if container["name"] == "controller" else GatewaySettings
        read = settings.from_environment({name: value for name, value in given.items() if value is not None})
        assert read.traces_url == url
    assert not any("SX_TRACES" in str(one) for one in of_kind(render(), "Deployment"))


def test_every_setting_reaches_the_controller(render):
    container = named(render(values=EVERYTHING), "Deployment", "custom-controller")["spec"]["template"][
        "spec"
    ]["containers"][0]
    settings = ControllerSettings.from_environment(environment(container))
    assert settings.namespaces == ("team-a", "team-b")
    assert settings.pod.gateway_url == "https://gateway.example.com"
    assert settings.pod.collector_image.startswith("registry.example.com/collector@sha256:fedc")
    assert settings.pod.collector_image_pull_policy == "Never"
    assert json.loads(settings.pod.collector_resources)["limits"] == {"cpu": 2, "memory": "80Mi"}
    assert settings.pod.run_as_user == 1000
    assert settings.log_limit == 1024**3
    assert (settings.start_limits.missing_reference, settings.start_limits.image_refused) == (30, 300)
    assert (settings.retention, settings.sweep_bulk) == (30 * 24 * 3600, True)
    assert (settings.lease_name, settings.lease_namespace) == ("custom-controller", "system")
    assert (settings.log_level, settings.log_format) == ("DEBUG", "plain")
    assert container["image"].startswith("registry.example.com/operator@sha256:0123")
    assert container["envFrom"] == [{"secretRef": {"name": "store-credentials"}}]
    assert {"HTTPS_PROXY", "CONTROLLER_ONLY"} < environment(container).keys()
    assert "GATEWAY_ONLY" not in environment(container)


def test_every_setting_reaches_the_gateway(render):
    container = named(render(values=EVERYTHING), "Deployment", "custom-gateway")["spec"]["template"]["spec"][
        "containers"
    ][0]
    settings = GatewaySettings.from_environment(environment(container))
    assert settings.namespaces == ("team-a", "team-b")
    assert settings.public_url == "https://services.example.com"
    assert settings.cors_origins == ("https://app.example.com",)
    assert [str(network) for network in settings.trusted_proxies] == ["10.42.0.0/16", "fd00:42::/48"]
    assert (settings.auth_mode, settings.token_seconds) == ("none", 900)
    assert settings.console_directory == ""
    provider = IdentityProvider("https://id.example.com/realm", "console", ("openid", "groups"))
    assert settings.console_open_id_connect == provider


def test_the_console_is_served_from_where_the_image_has_it(render):
    gateway = named(render(), "Deployment", "sx-serviceexecution-gateway")["spec"]["template"]["spec"]
    directory = environment(gateway["containers"][0])["SX_CONSOLE_DIRECTORY"]
    assert f" {directory}\n" in (ROOT / "images" / "operator" / "Containerfile").read_text()


def test_replicas_of_the_gateway_are_left_before_they_end(render):
    waits = {"preStop": {"sleep": {"seconds": 5}}}
    gateway = named(render(*LARGE), "Deployment", "sx-serviceexecution-gateway")
    assert gateway["spec"]["template"]["spec"]["containers"][0]["lifecycle"] == waits
    small = named(render(), "Deployment", "sx-serviceexecution-gateway")["spec"]["template"]["spec"]
    assert "lifecycle" not in small["containers"][0], "no other is there to take over"


@pytest.mark.parametrize(("grace", "sleep"), [(30, 5), (3, 3), (0, None)])
def test_a_gateway_waits_no_longer_than_its_grace(render, grace, sleep):
    """Kubernetes refuses a pod whose sleep is longer, or of no seconds."""
    manifests = render(*LARGE, f"terminationGracePeriodSeconds={grace}")
    (gateway,) = [d for d in of_kind(manifests, "Deployment") if d["metadata"]["name"].endswith("-gateway")]
    lifecycle = gateway["spec"]["template"]["spec"]["containers"][0].get("lifecycle")
    assert lifecycle == (None if sleep is None else {"preStop": {"sleep": {"seconds": sleep}}})


def test_collectors_call_a_service_of_their_own_by_its_port(render):
    for manifests in (render(), render(*LARGE), render("gateway.service.type=LoadBalancer")):
        service = named(manifests, "Service", "sx-serviceexecution-gateway-pods")
        assert service["spec"]["type"] == "ClusterIP", "not to be reached from outside"
        (port,) = service["spec"]["ports"]
        controller = of_kind(manifests, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]
        url = environment(controller)["SX_GATEWAY_URL"]
        assert url == f"http://sx-serviceexecution-gateway-pods.system.svc:{port['port']}"
        gateway = named(manifests, "Deployment", "sx-serviceexecution-gateway")["spec"]["template"]
        assert matches({"matchLabels": service["spec"]["selector"]}, gateway["metadata"]["labels"])
        (container,) = gateway["spec"]["containers"]
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        settings = GatewaySettings.from_environment(environment(container))
        assert (settings.port, settings.pods_port) == (ports["http"], ports[port["targetPort"]])


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ((), "direct"),
        (("gateway.url=https://gateway.example.com",), "always"),
        (("gateway.podsAtApiPort=never",), "never"),
        (("gateway.url=https://gateway.example.com", "gateway.podsAtApiPort=never"), "never"),
    ],
)
def test_pods_of_earlier_versions_go_on_calling_the_port_of_the_service_api(render, sets, expected):
    gateway = named(render(*sets), "Deployment", "sx-serviceexecution-gateway")
    (container,) = gateway["spec"]["template"]["spec"]["containers"]
    assert GatewaySettings.from_environment(environment(container)).pods_at_api_port == expected


def test_own_labels_win_over_those_of_the_values(render):
    for manifest in render(values=EVERYTHING):
        labels = manifest["metadata"]["labels"]
        assert labels["example.com/owner"] == "platform"
        assert labels["app.kubernetes.io/name"] == "sx"


def test_spread_gets_the_selector_of_its_deployment(render):
    for component in ("controller", "gateway"):
        deployment = named(render(values=EVERYTHING), "Deployment", f"custom-{component}")
        (constraint,) = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert constraint["labelSelector"] == deployment["spec"]["selector"]


def test_definitions_can_be_kept_left_or_left_out(render):
    kept = of_kind(render(), "CustomResourceDefinition")
    left = of_kind(render("crds.keep=false"), "CustomResourceDefinition")
    assert len(kept) == len(left) == 3
    for one in kept:
        assert one["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    for one in left:
        assert "annotations" not in one["metadata"]
    sources = {
        source["metadata"]["name"]: source["spec"]
        for source in (yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml"))
    }
    for found in (kept, left):
        assert {one["metadata"]["name"]: one["spec"] for one in found} == sources
    assert of_kind(render("crds.enabled=false"), "CustomResourceDefinition") == []


def gateway_environment(manifests):
    containers = [
        container
        for deployment in of_kind(manifests, "Deployment")
        for container in deployment["spec"]["template"]["spec"]["containers"]
    ]
    gateway = next(container for container in containers if container["name"] == "gateway")
    return {variable["name"]: variable.get("value") for variable in gateway["env"]}


def test_an_ingress_serves_what_users_call_and_not_what_collectors_call(render):
    manifests = render(
        "gateway.ingress.enabled=true",
        "gateway.ingress.hosts={sx.example.com}",
        "gateway.ingress.tls[0].secretName=tls",
    )
    (ingress,) = of_kind(manifests, "Ingress")
    (rule,) = ingress["spec"]["rules"]
    assert rule["host"] == "sx.example.com"
    assert {path["path"] for path in rule["http"]["paths"]} == {
        "/services",
        "/platform",
        "/oauth",
        "/docs",
        "/api",
    }
    assert gateway_environment(manifests)["SX_PUBLIC_URL"] == "https://sx.example.com"


def test_a_route_serves_the_same_without_a_time_limit(render):
    manifests = render(
        "gateway.httpRoute.enabled=true",
        "gateway.httpRoute.parentRefs[0].name=public",
        "gateway.httpRoute.hostnames={sx.example.com}",
    )
    (route,) = of_kind(manifests, "HTTPRoute")
    (rule,) = route["spec"]["rules"]
    assert {match["path"]["value"] for match in rule["matches"]} == {
        "/services",
        "/platform",
        "/oauth",
        "/docs",
        "/api",
    }
    assert rule["timeouts"] == {"request": "0s"}
    assert gateway_environment(manifests)["SX_PUBLIC_URL"] == "https://sx.example.com"


def test_a_public_url_that_is_set_wins(render):
    manifests = render(
        "gateway.publicUrl=https://api.example.com/sx",
        "gateway.ingress.enabled=true",
        "gateway.ingress.hosts={sx.example.com}",
    )
    assert gateway_environment(manifests)["SX_PUBLIC_URL"] == "https://api.example.com/sx"


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("gateway.ingress.enabled=true", "gateway.ingress.hosts"),
        ("gateway.httpRoute.enabled=true", "parentRefs"),
    ],
)
def test_what_an_address_lacks_is_named(refused, value, part):
    assert part in refused(value)


def test_optional_objects_are_off_by_default(render):
    optional = ("PodDisruptionBudget", "NetworkPolicy", "PodMonitor", "ServiceMonitor", "PrometheusRule")
    assert of_kind(render(), *optional) == []
    everything = {manifest["kind"] for manifest in of_kind(render(values=EVERYTHING), *optional)}
    assert everything == {"PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor", "PrometheusRule"}
    assert not any(one["metadata"]["name"].endswith("-dashboard") for one in of_kind(render(), "ConfigMap"))
    assert len(of_kind(render("monitoring.podMonitor.enabled=true"), "PodMonitor")) == 1


def test_longest_names_are_legal(render):
    for manifest in render(release="r" * 53):
        assert len(manifest["metadata"]["name"]) <= 63


def test_chart_images_and_package_have_one_version():
    chart = yaml.safe_load((ROOT / CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    images = yaml.safe_load(chart["annotations"]["artifacthub.io/images"])
    assert {chart["version"], chart["appVersion"]} == {project["version"]}
    tags = {image["image"].rpartition(":")[2] for image in images}
    assert {tag.rpartition("-")[2] for tag in tags} == {project["version"]}


def test_example_of_the_catalogue_is_the_sample(render):
    chart = yaml.safe_load((ROOT / CHART / "Chart.yaml").read_text())
    (example,) = yaml.safe_load(chart["annotations"]["artifacthub.io/crdsExamples"])
    sample = yaml.safe_load((ROOT / "manifests" / "samples" / "hello.yaml").read_text())
    for execution in (example, sample):
        execution["spec"]["runtime"]["docker"]["command"][-1] = execution["spec"]["runtime"]["docker"][
            "command"
        ][-1].strip()
    assert example == sample


def peers(manifests, component, port):
    """Who may reach a port of one process by its NetworkPolicy; None is everybody."""
    policy = named(manifests, "NetworkPolicy", f"sx-serviceexecution-{component}")
    (rule,) = [rule for rule in policy["spec"]["ingress"] if rule["ports"][0]["port"] == port]
    return rule.get("from")


def test_network_policies_let_in_who_is_named_at_each_port(render):
    sets = (
        "networkPolicy.enabled=true",
        "networkPolicy.gatewayFrom[0].ipBlock.cidr=10.1.0.0/16",
        "networkPolicy.metricsFrom[0].ipBlock.cidr=10.2.0.0/16",
    )
    for manifests in (render(*sets), render(*sets, *LARGE)):
        public = peers(manifests, "gateway", "http")
        assert {"ipBlock": {"cidr": "10.1.0.0/16"}} in public
        assert {"ipBlock": {"cidr": "10.2.0.0/16"}} not in public, "who reads metrics has another port"
        assert peers(manifests, "gateway", "pods") == [one for one in public if "ipBlock" not in one]
        for component in ("controller", "gateway"):
            assert peers(manifests, component, "metrics") == [{"ipBlock": {"cidr": "10.2.0.0/16"}}]
        controller = named(manifests, "NetworkPolicy", "sx-serviceexecution-controller")
        assert [rule["ports"][0]["port"] for rule in controller["spec"]["ingress"]] == ["metrics"]


def test_network_policies_let_the_controller_see_whether_a_gateway_is_there(render):
    manifests = render("networkPolicy.enabled=true")
    labels = {
        deployment["metadata"]["name"].rpartition("-")[2]: deployment["spec"]["template"]["metadata"][
            "labels"
        ]
        for deployment in of_kind(manifests, "Deployment")
    }
    known = [
        peer["podSelector"] for peer in peers(manifests, "gateway", "http") if "namespaceSelector" not in peer
    ]
    assert [matches(selector, labels["controller"]) for selector in known] == [True, False]
    assert [matches(selector, labels["gateway"]) for selector in known] == [False, True]
    controller = named(manifests, "NetworkPolicy", "sx-serviceexecution-controller")
    (rule,) = [rule for rule in controller["spec"]["egress"] if "to" in rule]
    assert matches(rule["to"][0]["podSelector"], labels["gateway"])
    gateway = named(manifests, "Deployment", "sx-serviceexecution-gateway")
    (container,) = gateway["spec"]["template"]["spec"]["containers"]
    assert rule["ports"][0]["port"] in {port["containerPort"] for port in container["ports"]}


def test_network_policies_select_their_own_pods_and_name_their_ports(render):
    for manifests in (render("networkPolicy.enabled=true"), render("networkPolicy.enabled=true", *LARGE)):
        for deployment in of_kind(manifests, "Deployment"):
            policy = named(manifests, "NetworkPolicy", deployment["metadata"]["name"])
            assert matches(
                policy["spec"]["podSelector"], deployment["spec"]["template"]["metadata"]["labels"]
            )
            (container,) = deployment["spec"]["template"]["spec"]["containers"]
            wanted = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
            assert wanted <= {port["name"] for port in container["ports"]}


@pytest.mark.parametrize("kind", ["podMonitor", "serviceMonitor"])
def test_metrics_are_scraped_at_their_own_port_alone(render, kind):
    manifests = render(f"monitoring.{kind}.enabled=true")
    (monitor,) = of_kind(manifests, kind[0].upper() + kind[1:])
    endpoints = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
    assert [endpoint["port"] for endpoint in endpoints] == ["metrics"]
    service = named(manifests, "Service", "sx-serviceexecution-gateway")
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"], "no NodePort leads to the metrics"
