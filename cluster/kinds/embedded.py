"""The embedded cluster: a one-node Kubernetes in namespaces of this machine."""

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.commands import run, succeeds
from cluster.console import say, step
from cluster.errors import LauncherError
from cluster.images.archives import load, load_together, loaded_names
from cluster.images.binaries import IMAGE_PROGRAMS, NODE_PROGRAMS, build_all
from cluster.images.build import archive_path, build
from cluster.images.catalogue import OPERATOR_IMAGE, PAUSE_IMAGE, catalogue
from cluster.lock import exclusive
from cluster.node import namespaces
from cluster.node.components import BASE_OBJECTS
from cluster.node.network import Link, ensure_connected
from cluster.node.packages import check_host, install_missing
from cluster.node.supervisor import probe
from cluster.release.build_support import prepare, seed_registry
from cluster.release.operator_release import VALUES, Tools, ensure_namespace, install
from cluster.settings import (
    CHECKOUT,
    GATEWAY_NODE_PORT,
    NODE_NAME,
    OPERATOR_NAMESPACE,
    REGISTRY_NODE_PORT,
    Instance,
    cache_home,
)

_READY_TIMEOUT_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.2
_PROXY_HEALTH_PORT: Final = 10256


@dataclass(frozen=True)
class EmbeddedCluster:
    """See `kinds.cluster.Cluster` for the methods."""

    instance: Instance

    def up(self, *, with_operator: bool = True) -> None:
        started = time.monotonic()
        say(f"Cluster {self.instance.name!r} (embedded):")
        check_host()
        install_missing()
        cache = cache_home()
        binaries = build_all(cache, NODE_PROGRAMS)
        build_all(cache, IMAGE_PROGRAMS)
        with self._alone():
            link = self._start(binaries)
            all_images = catalogue(cache)
            archives = {name: build(cache, image, all_images) for name, image in all_images.items()}
            _wait(self.instance, self.instance.containerd_socket.exists, "containerd to answer")
            _load_changed(
                self.instance, {name: path for name, path in archives.items() if all_images[name].on_node}
            )
            with step("waiting for the node"):
                _wait_ready(self.instance, binaries, link)
            if with_operator and OPERATOR_IMAGE in archives:
                self._install(link, archives)
        say(f'Ready after {time.monotonic() - started:.0f} s. In your shell: eval "$(make -s env)"')

    def _install(self, link: Link, archives: Mapping[str, Path]) -> None:
        tools = self._tools()
        ensure_namespace(tools)
        own_values = prepare(self.instance, link, tools)
        install(tools, values=[VALUES, own_values], content=archives[OPERATOR_IMAGE].stem, ours=True)
        seed_registry(cache_home(), link, archives)

    def _alone(self) -> AbstractContextManager[None]:
        return exclusive(self.instance.lock_file, what=f"works on cluster {self.instance.name!r}")

    def _start(self, binaries: Path) -> Link:
        running = namespaces.init_record(self.instance)
        if running is not None and namespaces.is_outdated(
            self.instance, binaries=binaries, pause_image=PAUSE_IMAGE
        ):
            with step("the node runs with other programs or settings: stopping it; its data is kept"):
                namespaces.halt(self.instance)
            running = None
        if running is None:
            with step("starting the node"):
                link = namespaces.start(self.instance, binaries=binaries, pause_image=PAUSE_IMAGE)
        else:
            say(f"  it is already running (process {running.pid})")
            known = namespaces.link_of(self.instance)
            if known is None:
                raise LauncherError("the cluster runs, but its link.json is gone; run `make down` first.")
            link = known
            ensure_connected(self.instance.interface, link, running.pid)
        namespaces.ensure_egress(self.instance, link)
        (self.instance.state / "bin").unlink(missing_ok=True)
        (self.instance.state / "bin").symlink_to(binaries)
        return link

    def _tools(self) -> Tools:
        programs = self.instance.state / "bin"
        return Tools(str(programs / "kubectl"), str(programs / "helm"), self.instance.kubeconfig)

    def down(self) -> None:
        """Removes every trace of the cluster but the caches."""
        check_host()
        with self._alone():
            with step(f"removing cluster {self.instance.name!r}"):
                namespaces.stop(self.instance)
            self.instance.lock_file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.instance.state.parent.rmdir()  # Only when it holds no other instance

    def status(self) -> bool:
        init = namespaces.init_record(self.instance)
        if init is None:
            print(f"Cluster {self.instance.name!r} (embedded) is down.")
            return False
        print(
            f"Cluster {self.instance.name!r} (embedded) runs, process {init.pid}, state in {self.instance.state}"
        )
        ready = True
        for entry in self._components():
            ready &= entry["running"] is True
            state = "running" if entry["running"] else f"ended with status {entry['lastStatus']}"
            print(f"  {entry['name']:<26}{state}, {entry['restarts']} restarts")
        proxy_runs = namespaces.egress_runs(self.instance)
        ready &= proxy_runs
        print(f"  {'proxy for builds':<26}{'running' if proxy_runs else 'ended; `make up` starts it'}")
        tools = self._tools()
        deployments = ("--for=condition=Available", "deployment", "--all", "--namespace", OPERATOR_NAMESPACE)
        for what, condition in (
            (f"node {NODE_NAME}", ("--for=condition=Ready", f"node/{NODE_NAME}")),
            ("operator", deployments),
        ):
            argv = [tools.kubectl, "wait", "--timeout=1s", *condition]
            good = succeeds(argv, environment=tools.environment)
            ready &= good
            print(f"  {what:<26}{'ready' if good else 'not ready'}")
        for name, value in self.environment().items():
            print(f"  {name}={value}")
        return ready

    def _components(self) -> list[dict[str, object]]:
        try:
            entries: list[dict[str, object]] = json.loads(
                (self.instance.state / "components.json").read_text()
            )
        except (OSError, ValueError):
            return []
        return entries

    def environment(self) -> Mapping[str, str]:
        link = namespaces.link_of(self.instance)
        if link is None or namespaces.init_record(self.instance) is None:
            raise LauncherError(f"cluster {self.instance.name!r} is down; start it with `make up`.")
        return {
            "KUBECONFIG": str(self.instance.kubeconfig),
            "PATH": str(self.instance.state / "bin"),
            "SX_CLUSTER_KIND": "embedded",
            "SX_CLUSTER_NAME": self.instance.name,
            "SX_NODE_ADDRESS": link.node,
            "SX_GATEWAY_ADDRESS": f"http://{link.node}:{GATEWAY_NODE_PORT}",
            "SERVICE_API_URL": f"http://{link.node}:{GATEWAY_NODE_PORT}",
            "SX_REGISTRY_ADDRESS": f"http://{link.node}:{REGISTRY_NODE_PORT}",
            "SX_AUDIT_LOG": str(self.instance.audit_log),
        }

    def load(self, archive: Path) -> None:
        if namespaces.init_record(self.instance) is None:
            raise LauncherError(f"cluster {self.instance.name!r} is down; start it with `make up`.")
        for name in load(self.instance, archive):
            say(f"  loaded {name}")


def _load_changed(instance: Instance, archives: Mapping[str, Path]) -> None:
    """Load the archives that the node does not have in this content."""
    record_file = instance.state / "images.json"
    try:
        record: dict[str, str] = json.loads(record_file.read_text())
    except (OSError, ValueError):
        record = {}
    present = loaded_names(instance)
    stale = {n: path for n, path in archives.items() if record.get(n) != path.name or n not in present}
    if stale:
        with step(f"loading {', '.join(name.rpartition('/')[2] for name in stale)}"):
            load_together(instance, list(stale.values()))
        record_file.write_text(json.dumps({name: path.name for name, path in archives.items()}, indent=2))


def build_images() -> list[Path]:
    """Build every image without a cluster; return the archives."""
    check_host()
    install_missing()
    cache = cache_home()
    all_images = catalogue(cache)
    for image in all_images.values():
        build(cache, image, all_images)
    return [archive_path(cache, image, all_images) for image in all_images.values()]


def _wait_ready(instance: Instance, binaries: Path, link: Link) -> None:
    kubectl: list[str | Path] = [binaries / "kubectl", "--kubeconfig", instance.kubeconfig]
    _wait(
        instance,
        lambda: succeeds([*kubectl, "get", "--raw", "/readyz"]),
        f"the API server at {link.node}:6443",
    )
    base = CHECKOUT / "cluster" / "manifests" / "base.yaml"
    run([*kubectl, "apply", "--server-side", "-f", base], what="Applying the cluster's base objects")
    (instance.state / BASE_OBJECTS).touch()
    ready = ["wait", "--for=condition=Ready", f"node/{NODE_NAME}", "--timeout=5s"]
    _wait(instance, lambda: succeeds([*kubectl, *ready]), "the node to become ready")
    _wait(instance, lambda: probe(f"tcp:{link.node}:53"), "DNS to answer")
    _wait(instance, lambda: _proxy_is_ready(link), "kube-proxy to write its rules")
    account = ["get", "serviceaccount", "default", "--namespace", "default"]
    _wait(instance, lambda: succeeds([*kubectl, *account]), "the controllers to work")


def _proxy_is_ready(link: Link) -> bool:
    """Whether kube-proxy says that its rules follow the API server's Services."""
    connection = http.client.HTTPConnection(link.node, _PROXY_HEALTH_PORT, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _wait(instance: Instance, condition: Callable[[], bool], what: str) -> None:
    """Poll until `condition` holds, as long as the namespaces live.

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
