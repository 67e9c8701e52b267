"""Waiting until an embedded cluster's nodes do their work."""

import http.client
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cluster.commands import run, succeeds
from cluster.errors import LauncherError
from cluster.node import namespaces
from cluster.node.components import BASE_OBJECTS
from cluster.node.places import Place
from cluster.node.supervisor import probe
from cluster.settings import CHECKOUT, Instance

_READY_TIMEOUT_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.2
_PROXY_HEALTH_PORT: Final = 10256


def wait_ready(instance: Instance, binaries: Path, places: Sequence[Place]) -> None:
    """Apply the cluster's base objects and wait until every node is ready, the first of which is the first of `places`.

    Raises LauncherError when it takes too long or the cluster ends.
    """
    address = places[0].address
    kubectl: list[str | Path] = [binaries / "kubectl", "--kubeconfig", instance.kubeconfig]
    wait(
        instance,
        lambda: succeeds([*kubectl, "get", "--raw", "/readyz"]),
        f"the API server at {address}:6443",
    )
    base = CHECKOUT / "cluster" / "manifests" / "base.yaml"
    run([*kubectl, "apply", "--server-side", "-f", base], what="Applying the cluster's base objects")
    (instance.state / BASE_OBJECTS).touch()
    ready = ["wait", "--for=condition=Ready", *(f"node/{place.name}" for place in places), "--timeout=5s"]
    wait(instance, lambda: succeeds([*kubectl, *ready]), "every node to become ready")
    wait(instance, lambda: probe(f"tcp:{address}:53"), "DNS to answer")
    wait(instance, lambda: _proxy_is_ready(address), "kube-proxy to write its rules")
    account = ["get", "serviceaccount", "default", "--namespace", "default"]
    wait(instance, lambda: succeeds([*kubectl, *account]), "the controllers to work")


def _proxy_is_ready(address: str) -> bool:
    """Whether kube-proxy says that its rules follow the API server's Services."""
    connection = http.client.HTTPConnection(address, _PROXY_HEALTH_PORT, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait(instance: Instance, condition: Callable[[], bool], what: str) -> None:
    """Poll until `condition` holds, as long as the first node lives.

    Raises LauncherError when it is too late or the supervisor is gone; the sentence names the log to read.
    """
    deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
    while not condition():
        if namespaces.init_record(instance) is None:
            raise LauncherError(f"the cluster ended while waiting for {what}; see {instance.state}/log/.")
        if time.monotonic() > deadline:
            raise LauncherError(
                f"waited {_READY_TIMEOUT_SECONDS:.0f} s for {what} without success; see {instance.state}/log/."
            )
        time.sleep(_POLL_SECONDS)
