"""A cluster by kind (Kubernetes in Docker), for machines without root. Not run in this project's own CI."""

import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.commands import run, succeeds
from cluster.console import say, step
from cluster.errors import LauncherError
from cluster.hashing import content_hash
from cluster.images.catalogue import catalogue
from cluster.release.operator_release import VALUES, Tools, install
from cluster.settings import CHECKOUT, GATEWAY_NODE_PORT, OPERATOR_NAMESPACE, cache_home

CONFIG: Final = CHECKOUT / "tests" / "kind" / "config.yaml"
_PROGRAMS: Final = {
    "docker": "https://docs.docker.com/engine/install/",
    "kind": "https://kind.sigs.k8s.io/ (or `go install sigs.k8s.io/kind@v0.33.0`)",
    "kubectl": "https://kubernetes.io/docs/tasks/tools/",
    "helm": "https://helm.sh/docs/intro/install/",
}


@dataclass(frozen=True)
class KindCluster:
    """See `kinds.cluster.Cluster` for the methods."""

    name: str

    @property
    def _kubeconfig(self) -> Path:
        return cache_home() / "kind" / f"{self.name}.conf"

    def _tools(self) -> Tools:
        return Tools("kubectl", "helm", self._kubeconfig)

    def up(self, *, with_operator: bool = True) -> None:
        say(f"Cluster {self.name!r} (kind):")
        self._check()
        if self._exists():
            say("  it is already running")
            self._kubeconfig.parent.mkdir(parents=True, exist_ok=True)
            self._kind("export", "kubeconfig", what="Reading the cluster's kubeconfig")
        else:
            check_port_free(GATEWAY_NODE_PORT)
            self._kubeconfig.parent.mkdir(parents=True, exist_ok=True)
            with step("kind create cluster, 1 to 3 minutes"):
                self._kind(
                    "create", "cluster", "--config", str(CONFIG), "--wait", "3m", what="Creating the cluster"
                )
        content = self._images()
        if with_operator:
            install(self._tools(), values=[VALUES], content=content, ours=True)

    def _images(self) -> str:
        """Build every image of ours with Docker, load it, and return a hash of what they are made from."""
        inputs: list[Path] = []
        # The other stand-ins are not needed: Docker and the node get the public images from their registry.
        images = [
            image for image in catalogue(cache_home()).values() if image.context is not None and image.on_node
        ]
        for image in images:
            with step(f"image {image.reference}"):
                build = ["docker", "build", "--file", str(image.containerfile), "--tag", image.reference]
                run([*build, str(image.context)], what=f"Building {image.reference}")
                run(
                    ["kind", "load", "docker-image", image.reference, "--name", self.name],
                    what=f"Loading {image.reference}",
                )
            inputs += image.inputs
        return content_hash(inputs, base=CHECKOUT)

    def down(self) -> None:
        self._check()
        with step(f"kind delete cluster {self.name}"):
            self._kind("delete", "cluster", what="Deleting the cluster")
        self._kubeconfig.unlink(missing_ok=True)

    def status(self) -> bool:
        self._check()
        if not self._exists():
            print(f"Cluster {self.name!r} (kind) is down.")
            return False
        tools = self._tools()
        argv = [tools.kubectl, "wait", "--for=condition=Available", "deployment", "--all", "--timeout=1s"]
        ready = succeeds([*argv, "--namespace", OPERATOR_NAMESPACE], environment=tools.environment)
        print(f"Cluster {self.name!r} (kind) runs; the operator is {'ready' if ready else 'not ready'}.")
        for name, value in self.environment().items():
            print(f"  {name}={value}")
        return ready

    def environment(self) -> Mapping[str, str]:
        return {
            "KUBECONFIG": str(self._kubeconfig),
            "SX_CLUSTER_KIND": "kind",
            "SX_CLUSTER_NAME": self.name,
            "SX_GATEWAY_ADDRESS": f"http://127.0.0.1:{GATEWAY_NODE_PORT}",
            "SERVICE_API_URL": f"http://127.0.0.1:{GATEWAY_NODE_PORT}",
            "PLATFORM_API_URL": f"http://127.0.0.1:{GATEWAY_NODE_PORT}/platform",
        }

    def load(self, archive: Path) -> None:
        self._check()
        if not archive.is_file():
            raise LauncherError(f"there is no file {archive}.")
        self._kind("load", "image-archive", str(archive), what=f"Loading {archive}")

    def _exists(self) -> bool:
        return self.name in run(["kind", "get", "clusters"], what="Listing kind's clusters").split()

    def _kind(self, *words: str, what: str) -> None:
        environment = {"KUBECONFIG": str(self._kubeconfig)}
        run(["kind", *words, "--name", self.name], what=what, environment=environment)

    def _check(self) -> None:
        for program, where in _PROGRAMS.items():
            if shutil.which(program) is None:
                raise LauncherError(f"CLUSTER=kind needs `{program}` in PATH; see {where}.")
        if not succeeds(["docker", "info"]):
            raise LauncherError("CLUSTER=kind needs a running Docker that you may use; `docker info` fails.")


def check_port_free(port: int) -> None:
    """Raise LauncherError when something listens on the port of this machine that kind is to publish."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise LauncherError(
                f"port {port} of this machine, which the gateway needs, is in use ({error.strerror}); "
                "free it or change it in tests/kind/config.yaml and cluster/values-embedded.yaml."
            ) from error
