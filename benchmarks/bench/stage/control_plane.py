"""A control plane of its own, without a node: etcd, API server, controller manager and scheduler, with our CRDs.

Nothing on it costs what a container costs, so that it takes thousands of executions on any machine, and all of it is
gone with one directory. The installed operator has no part in it.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from benchmarks.bench.stage.processes import Running, started
from cluster.images.binaries import build_all
from cluster.node.certificates import create_credentials
from cluster.settings import CHECKOUT, cache_home
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError

ADDRESS: Final = "127.0.0.1"
PROGRAMS: Final = ("etcd", "kubernetes")
_READY_SECONDS: Final = 120
_PORT_OF_CREDENTIALS: Final = ":6443"
_CONTROLLERS: Final = (
    "job-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
)
"""Of the controller manager's, those without which a Job does not run or does not go."""


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A control plane that runs."""

    directory: Path
    binaries: Path
    processes: tuple[Running, ...]

    @property
    def kubeconfig(self) -> Path:
        """An administrator's credentials."""
        return self.directory / "admin.conf"

    @property
    def audit_log(self) -> Path:
        """Every request, without the reads of Kubernetes' own parts."""
        return self.directory / "audit.log"

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        """Run kubectl and return what it prints."""
        command = [str(self.binaries / "kubectl"), "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout

    async def client(self) -> KubernetesClient:
        """Return a client for whoever sends the load: no rate limit holds it."""
        os.environ["KUBECONFIG"] = str(self.kubeconfig)
        return await KubernetesClient.connect(user_agent="bench", qps=5_000, burst=5_000)


@contextlib.contextmanager
def control_plane(directory: Path, *, fast: bool = False) -> Iterator[ControlPlane]:
    """Run one until the block ends. ``fast``: its controller manager may ask 300 times a second rather than 20."""
    binaries = build_all(cache_home())
    etcd, peer, api = (free_port() for _ in range(3))
    create_credentials(directory, ADDRESS)
    for file in directory.glob("*.conf"):
        file.write_text(file.read_text().replace(_PORT_OF_CREDENTIALS, f":{api}"))
    (directory / "audit-policy.yaml").write_text(yaml.safe_dump(_AUDIT_POLICY))
    logs = directory / "log"
    logs.mkdir()
    with contextlib.ExitStack() as stack:
        processes: list[Running] = []

        def start(name: str, *arguments: str) -> None:
            command = [str(binaries / name), *arguments]
            processes.append(stack.enter_context(started(name, command, logs / f"{name}.log")))

        start("etcd", *_etcd(directory, etcd, peer))
        start("kube-apiserver", *_api_server(directory, etcd, api))
        plane = ControlPlane(directory, binaries, ())
        asyncio.run(_wait_until_ready(plane))
        credentials = directory / "controller-manager.conf"
        start("kube-controller-manager", *_controller_manager(directory, credentials, fast=fast))
        start("kube-scheduler", f"--kubeconfig={directory / 'scheduler.conf'}", *_ALONE)
        plane.kubectl("create", "--filename", str(CHECKOUT / "crds"))
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        yield ControlPlane(directory, binaries, tuple(processes))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


_ALONE: Final = ("--leader-elect=false", "--secure-port=0")
_AUDIT_POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "Metadata"},
    ],
}


def _etcd(directory: Path, port: int, peer: int) -> tuple[str, ...]:
    own, others = f"http://{ADDRESS}:{port}", f"http://{ADDRESS}:{peer}"
    return (
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={own}",
        f"--advertise-client-urls={own}",
        f"--listen-peer-urls={others}",
        f"--initial-advertise-peer-urls={others}",
        f"--initial-cluster=default={others}",
        "--quota-backend-bytes=8589934592",
        "--unsafe-no-fsync",
    )


def _api_server(directory: Path, etcd: int, port: int) -> tuple[str, ...]:
    pki = directory / "pki"
    return (
        f"--etcd-servers=http://{ADDRESS}:{etcd}",
        f"--bind-address={ADDRESS}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        "--service-cluster-ip-range=10.96.0.0/16",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        f"--audit-policy-file={directory}/audit-policy.yaml",
        f"--audit-log-path={directory}/audit.log",
        "--audit-log-maxsize=4000",
        "--profiling=false",
    )


def _controller_manager(directory: Path, credentials: Path, *, fast: bool) -> tuple[str, ...]:
    pki = directory / "pki"
    return (
        f"--kubeconfig={credentials}",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={pki}/service-accounts.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--controllers={','.join(_CONTROLLERS)}",
        *_ALONE,
        *(("--kube-api-qps=300", "--kube-api-burst=600", "--concurrent-job-syncs=20") if fast else ()),
    )


async def _wait_until_ready(plane: ControlPlane) -> None:
    end = time.monotonic() + _READY_SECONDS
    client = await plane.client()
    try:
        while True:
            try:
                await client.server_version()
                plane.kubectl("get", "--raw", "/readyz")
                break
            except (KubernetesError, subprocess.CalledProcessError):
                if time.monotonic() > end:
                    sys.exit(f"error: the API server did not become ready; see {plane.directory / 'log'}.")
            await asyncio.sleep(0.3)
    finally:
        await client.close()
