"""A registry that is away, read-only or full: the build says so, and the next one goes through when it is mended.

And one that wants a login: builds push and pull, and nodes pull, by the Secret that the installation names.
"""

import base64
import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import PODS
from tests.e2e.builds.conftest import NewBuilds
from tests.support.builds import BUSYBOX, DOCKERFILE, Builds
from tests.support.cluster import DEPLOYMENTS, SECRETS, Cluster, member
from tests.support.operator import Operator
from tools.chart.install_manifest import CHART

pytestmark = [pytest.mark.alone, pytest.mark.timeout(900, func_only=True)]

REGISTRY = "serviceexecution-registry"
FILES = {"Dockerfile": f'FROM {BUSYBOX}\nRUN dd if=/dev/urandom of=/data bs=1M count=4\nCMD ["true"]\n'}


def ready(deployment: JsonObject) -> bool:
    wanted = member(deployment, "spec", "replicas")
    return (
        member(deployment, "status", "observedGeneration") == member(deployment, "metadata", "generation")
        and (member(deployment, "status", "updatedReplicas") or 0) == wanted
        and (member(deployment, "status", "readyReplicas") or 0) == wanted
        and (member(deployment, "status", "replicas") or 0) == wanted
    )


@contextlib.contextmanager
def changed(cluster: Cluster, namespace: str, change: Callable[[Any], None]) -> Iterator[None]:
    """Run with the registry's Deployment changed, and bring it back afterwards."""
    before = cluster.get(DEPLOYMENTS, namespace, REGISTRY)
    if before is None:
        pytest.skip("the installation has no registry in the cluster")
    after = copy.deepcopy(before)
    change(cast("Any", after)["spec"])
    try:
        _apply(cluster, namespace, after)
        yield
    finally:
        _apply(cluster, namespace, before)


def _apply(cluster: Cluster, namespace: str, wanted: JsonObject) -> None:
    spec: JsonObject = {
        "replicas": member(wanted, "spec", "replicas"),
        "template": {
            "spec": {
                "containers": member(wanted, "spec", "template", "spec", "containers"),
                "volumes": member(wanted, "spec", "template", "spec", "volumes"),
            }
        },
    }
    cluster.patch(DEPLOYMENTS, namespace, REGISTRY, {"spec": spec})
    cluster.wait_for(
        DEPLOYMENTS, namespace, REGISTRY, ready, seconds=120, what="the registry is as it should be"
    )
    if not spec["replicas"]:
        # A Deployment does not count pods that are ending, but a Service without others still leads to them.
        cluster.wait_until_gone(PODS, namespace, labels="app.kubernetes.io/component=registry", seconds=60)


def test_a_registry_that_is_away_fails_the_build(builds: Builds, operator: Operator):
    def away(spec: Any) -> None:
        spec["replicas"] = 0

    with changed(builds.sandbox.cluster, operator.namespace, away):
        definition = builds.define(FILES, DOCKERFILE)
        failed = builds.wait_for_end(seconds=400)
    assert (failed["phase"], failed["reason"]) == ("Failed", "RegistryUnavailable"), builds.log()
    assert "cannot be reached" in str(failed["message"])
    assert failed["attempts"] == 3, "a registry that is away may come back"
    builds.wait_until_clean(definition)
    builds.change(build={"token": "again"})
    builds.succeed("r2")


def test_a_registry_that_is_read_only_fails_the_build(builds: Builds, operator: Operator):
    def read_only(spec: Any) -> None:
        variable = {"name": "REGISTRY_STORAGE_MAINTENANCE_READONLY", "value": "{enabled: true}"}
        spec["template"]["spec"]["containers"][0]["env"].append(variable)

    with changed(builds.sandbox.cluster, operator.namespace, read_only):
        builds.define(FILES, DOCKERFILE)
        failed = builds.wait_for_end()
    assert (failed["phase"], failed["reason"]) == ("Failed", "RegistryRefused"), builds.log()
    assert "read-only" in str(failed["message"])


def test_a_registry_that_is_full_fails_the_build(builds: Builds, operator: Operator):
    """The repository of the service has a disk of one MiB; base images are read as ever."""
    place = f"/var/lib/registry/docker/registry/v2/repositories/{builds.sandbox.name}"

    def full(spec: Any) -> None:
        pod = spec["template"]["spec"]
        pod["volumes"].append({"name": "tiny", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
        pod["containers"][0]["volumeMounts"].append({"name": "tiny", "mountPath": place})

    with changed(builds.sandbox.cluster, operator.namespace, full):
        builds.define(FILES, DOCKERFILE)
        failed = builds.wait_for_end()
    assert (failed["phase"], failed["reason"]) == ("Failed", "RegistryFull"), builds.log()
    assert "no space" in str(failed["message"])


LOGIN = "registry-login"
HTPASSWD = "ada:$2b$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO\n"
"""Of the password below, by bcrypt."""
PASSWORD = "open-sesame"  # noqa: S105 - of a test


def wants_login(spec: Any) -> None:
    pod = spec["template"]["spec"]
    pod["volumes"].append({"name": "login", "secret": {"secretName": LOGIN}})
    registry = pod["containers"][0]
    registry["volumeMounts"].append({"name": "login", "mountPath": "/login"})
    registry["readinessProbe"]["httpGet"]["path"] = "/"
    registry["env"] += [
        {"name": "REGISTRY_AUTH", "value": "htpasswd"},
        {"name": "REGISTRY_AUTH_HTPASSWD_REALM", "value": "test"},
        {"name": "REGISTRY_AUTH_HTPASSWD_PATH", "value": "/login/htpasswd"},
    ]


@contextlib.contextmanager
def installed_with_login(helm: Callable[..., str], operator: Operator) -> Iterator[None]:
    """Run with ``builds.registry.credentialsSecret`` set."""

    def upgrade(name: str) -> None:
        change = f"builds.registry.credentialsSecret={name}"
        helm(
            "upgrade",
            "serviceexecution",
            CHART,
            "--reset-then-reuse-values",
            "--set-string",
            change,
            "--wait",
        )
        operator.wait_until_ready()

    try:
        upgrade(LOGIN)
        yield
    finally:
        upgrade("")


def give_login(builds: Builds, address: str, operator: Operator) -> None:
    """Make the Secret as docs/builds.md says; nodes and pods call the registry by different names here."""
    hosts = [address.partition("/")[0], f"{REGISTRY}.{operator.namespace}.svc:5000"]
    login = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
    text = json.dumps({"auths": {host: {"auth": login} for host in hosts}})
    manifest: JsonObject = {
        "metadata": {"name": LOGIN},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": text},
    }
    builds.sandbox.cluster.create(SECRETS, builds.sandbox.name, manifest)


def test_a_registry_that_wants_a_login_gets_it(
    new_builds: NewBuilds, operator: Operator, helm: Callable[..., str]
):
    """Both builders; the nodes pull what was built by the same Secret."""
    both = [new_builds(level="baseline"), new_builds(level="restricted")]
    cluster = both[0].sandbox.cluster
    manifest: JsonObject = {"metadata": {"name": LOGIN}, "stringData": {"htpasswd": HTPASSWD}}
    cluster.create(SECRETS, operator.namespace, manifest)
    try:
        with changed(cluster, operator.namespace, wants_login):
            both[0].define({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"}, DOCKERFILE)
            refused = both[0].wait_for_end("r1")
            assert (refused["phase"], refused["reason"]) == ("Failed", "RegistryRefused"), both[0].log()
            assert "builds.registry.credentialsSecret" in str(refused["message"])
            both[0].change(source=FILES)
            missing = both[0].wait_for_end("r2")
            assert (missing["phase"], missing["reason"]) == ("Failed", "BaseImageNotFound")
            assert "requires a login" in str(missing["message"])
        # Helm brings back what it finds changed: so first the release, then the registry
        with installed_with_login(helm, operator), changed(cluster, operator.namespace, wants_login):
            for builds in both:
                give_login(builds, "localhost:30500", operator)
            both[0].change(build={"token": "with a login"})
            both[1].define(FILES, DOCKERFILE)
            for builds, revision in zip(both, ("r3", "r1"), strict=True):
                builds.succeed(revision)
                builds.sandbox.succeed({"serviceRef": {"name": "service"}})
                assert PASSWORD not in builds.log(revision)
    finally:
        cluster.delete(SECRETS, operator.namespace, LOGIN)
