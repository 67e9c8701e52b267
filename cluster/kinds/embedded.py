"""The embedded cluster: a Kubernetes of one or more nodes in namespaces of this machine."""

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cluster.commands import succeeds
from cluster.console import say, step
from cluster.errors import LauncherError
from cluster.images.archives import load, load_changed
from cluster.images.binaries import exact_version
from cluster.images.build import unmount_storage
from cluster.images.catalogue import BUILDER_IMAGE, OPERATOR_IMAGE, PAUSE_IMAGE
from cluster.images.parts import build_parts
from cluster.kinds.readiness import wait, wait_ready
from cluster.kubernetes_versions import DEFAULT, kept_version, record_version
from cluster.lock import exclusive
from cluster.node import namespaces
from cluster.node.further import start_missing, wanted_places
from cluster.node.network import Link, ensure_connected
from cluster.node.packages import check_host, install_missing
from cluster.node.places import Place, first_place, further_places
from cluster.node.processes import ProcessRecord
from cluster.node.spawning import MadeFrom
from cluster.release.build_support import prepare, seed_registry, without_builds
from cluster.release.operator_release import VALUES, Tools, ensure_namespace, install
from cluster.settings import (
    GATEWAY_NODE_PORT,
    NODE_NAME,
    OPERATOR_NAMESPACE,
    REGISTRY_NODE_PORT,
    Instance,
    Shape,
    cache_home,
)

_IMAGES_RECORD: Final = "images.json"


@dataclass(frozen=True)
class EmbeddedCluster:
    """See `kinds.cluster.Cluster` for the methods."""

    instance: Instance
    shape: Shape = field(default_factory=Shape)

    def up(self, *, with_operator: bool = True) -> None:
        started = time.monotonic()
        say(f"Cluster {self.instance.name!r} (embedded):")
        check_host()
        install_missing()
        version = self._version()
        lean = self.shape.lean and not self._has_all()
        parts = build_parts(cache_home(), lean=lean, kubernetes=version)
        with self._alone():
            # Another `make up` may have made it of another version by now.
            if kept_version(self.instance.state, version) is None and self.shape.kubernetes is not None:
                record_version(self.instance.state, version)
            further = wanted_places(self.instance, self.shape.nodes)
            made_from = MadeFrom(parts.binaries, PAUSE_IMAGE, self.shape.silence, version)
            link = self._start(made_from)
            places = [first_place(self.instance, link), *further]
            self._start_further(further, link, made_from)
            self._load_changed(
                places, {name: path for name, path in parts.archives.items() if parts.images[name].on_node}
            )
            with step("waiting for the nodes" if further else "waiting for the node"):
                wait_ready(self.instance, parts.binaries, places)
            if with_operator and OPERATOR_IMAGE in parts.archives:
                self._install(link, places, parts.archives)
        say(f'Ready after {time.monotonic() - started:.0f} s. In your shell: eval "$(make -s env)"')

    def _version(self) -> str:
        """Return the version of Kubernetes that the cluster has or shall have."""
        asked = self.shape.kubernetes
        kept = kept_version(self.instance.state, asked)
        if kept is not None:
            return kept
        return DEFAULT if asked is None else exact_version(cache_home(), asked)

    def _load_changed(self, places: Sequence[Place], archives: Mapping[str, Path]) -> None:
        for place in places:
            wait(self.instance, place.containerd_socket.exists, f"containerd of {place.name} to answer")
            load_changed(
                place.containerd_socket, place.directory / _IMAGES_RECORD, archives, where=place.name
            )

    def _has_all(self) -> bool:
        """Tell whether the cluster has more than executions need: it keeps that."""
        try:
            return BUILDER_IMAGE in json.loads((self.instance.state / _IMAGES_RECORD).read_text())
        except (OSError, ValueError):
            return False

    def _install(self, link: Link, places: Sequence[Place], archives: Mapping[str, Path]) -> None:
        tools = self._tools()
        ensure_namespace(tools)
        builds = BUILDER_IMAGE in archives
        if builds:
            own_values = prepare(self.instance, link, tools, [place.directory for place in places])
        else:
            own_values = without_builds(self.instance)
        install(tools, values=[VALUES, own_values], content=archives[OPERATOR_IMAGE].stem, ours=True)
        if builds:
            seed_registry(cache_home(), link, archives)
        else:
            say("  nothing that builds services is installed: `make up` adds it")

    def _alone(self) -> AbstractContextManager[None]:
        return exclusive(self.instance.lock_file, what=f"works on cluster {self.instance.name!r}")

    def _start(self, made_from: MadeFrom) -> Link:
        running = namespaces.init_record(self.instance)
        if running is not None and namespaces.is_outdated(self.instance, made_from):
            with step("the node runs with other programs or settings: stopping it; its data is kept"):
                namespaces.halt(self.instance)
            running = None
        if running is None:
            with step("starting the node"):
                link = namespaces.start(self.instance, made_from)
        else:
            say(f"  it is already running (process {running.pid})")
            known = namespaces.link_of(self.instance)
            if known is None:
                raise LauncherError("the cluster runs, but its link.json is gone; run `make down` first.")
            link = known
            ensure_connected(self.instance.interface, link, running.pid)
        namespaces.ensure_egress(self.instance, link)
        (self.instance.state / "bin").unlink(missing_ok=True)
        (self.instance.state / "bin").symlink_to(made_from.binaries)
        return link

    def _start_further(self, places: Sequence[Place], link: Link, made_from: MadeFrom) -> None:
        first = namespaces.init_record(self.instance)
        if first is None:
            raise LauncherError(f"the cluster ended as it started; see {self.instance.state}/log/.")
        start_missing(self.instance, places, link, first, made_from)

    def _tools(self) -> Tools:
        programs = self.instance.state / "bin"
        return Tools(str(programs / "kubectl"), str(programs / "helm"), self.instance.kubeconfig)

    def down(self) -> None:
        """Removes every trace of the cluster but the caches."""
        check_host()
        with self._alone():
            with step(f"removing cluster {self.instance.name!r}"):
                namespaces.stop(self.instance)
                unmount_storage(cache_home())
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
        print(f"  {'Kubernetes':<26}{kept_version(self.instance.state, None)}")
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
        nodes = [(f"node {name}", ("--for=condition=Ready", f"node/{name}")) for name in self._node_names()]
        for what, condition in (*nodes, ("operator", deployments)):
            argv = [tools.kubectl, "wait", "--timeout=1s", *condition]
            good = succeeds(argv, environment=tools.environment)
            ready &= good
            print(f"  {what:<26}{'ready' if good else 'not ready'}")
        for name, value in self.environment().items():
            print(f"  {name}={value}")
        return ready

    def _node_names(self) -> list[str]:
        return [NODE_NAME, *(place.name for place in further_places(self.instance))]

    def _components(self) -> list[dict[str, object]]:
        further = further_places(self.instance)
        found = _reported(self.instance.state)
        for place in further:
            init = ProcessRecord.read(place.init_file)
            if init is None or not init.alive():
                say(f"  {place.name} has ended; `make up` starts it")
            found += [{**one, "name": f"{place.name} {one['name']}"} for one in _reported(place.directory)]
        return found

    def environment(self) -> Mapping[str, str]:
        link = namespaces.link_of(self.instance)
        if link is None or namespaces.init_record(self.instance) is None:
            raise LauncherError(f"cluster {self.instance.name!r} is down; start it with `make up`.")
        registry = f"http://{link.node}:{REGISTRY_NODE_PORT}"
        return {
            "KUBECONFIG": str(self.instance.kubeconfig),
            "PATH": str(self.instance.state / "bin"),
            "SX_CLUSTER_KIND": "embedded",
            "SX_CLUSTER_NAME": self.instance.name,
            "SX_NODE_ADDRESS": link.node,
            "SX_GATEWAY_ADDRESS": f"http://{link.node}:{GATEWAY_NODE_PORT}",
            "SERVICE_API_URL": f"http://{link.node}:{GATEWAY_NODE_PORT}",
            "PLATFORM_API_URL": f"http://{link.node}:{GATEWAY_NODE_PORT}/platform",
            **({"SX_REGISTRY_ADDRESS": registry} if self._has_all() else {}),
            "SX_AUDIT_LOG": str(self.instance.audit_log),
        }

    def load(self, archive: Path) -> None:
        if namespaces.init_record(self.instance) is None:
            raise LauncherError(f"cluster {self.instance.name!r} is down; start it with `make up`.")
        names = load(self.instance.containerd_socket, archive)
        for place in further_places(self.instance):
            load(place.containerd_socket, archive)
        for name in names:
            say(f"  loaded {name}")


def _reported(directory: Path) -> list[dict[str, object]]:
    """What the supervisor of a node says of its components."""
    try:
        entries: list[dict[str, object]] = json.loads((directory / "components.json").read_text())
    except (OSError, ValueError):
        return []
    return entries


def build_images() -> list[Path]:
    """Build every image without a cluster; return the archives."""
    check_host()
    install_missing()
    return list(build_parts(cache_home(), lean=False).archives.values())
