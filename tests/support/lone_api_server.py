"""A real API server with its etcd on loopback and nothing else: for what is decided by how it is started."""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from cluster.node.certificates import create_credentials
from tests.support.polling import poll_until
from tests.support.store_servers import free_port

HOST = "127.0.0.1"
_START_SECONDS = 120


@dataclass(frozen=True)
class LoneApiServer:
    """Where it is, and how to ask it."""

    kubectl_program: Path
    kubeconfig: Path
    """Of somebody who may do everything."""
    authentication: Path
    """Its authentication configuration, which it reads again when it changes."""

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """Run kubectl; return what it printed."""
        argv = [str(self.kubectl_program), "--kubeconfig", str(self.kubeconfig), *words]
        result = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == 0, result.stderr
        return result.stdout


@contextlib.contextmanager
def lone_api_server(programs: Path, directory: Path, authentication: str) -> Iterator[LoneApiServer]:
    """Run it until the end of the block; ``programs`` has etcd and Kubernetes, ``authentication`` is a YAML text."""
    create_credentials(directory, HOST)
    port, clients, peers = (free_port(HOST) for _ in range(3))
    kubeconfig = directory / "admin.conf"
    kubeconfig.write_text(kubeconfig.read_text().replace(":6443", f":{port}"))
    configuration = directory / "authentication.yaml"
    configuration.write_text(authentication)
    etcd = f"http://{HOST}:{clients}"
    with (
        _running(_etcd(programs, directory, etcd, f"http://{HOST}:{peers}"), directory / "etcd.log"),
        _running(
            _api_server(programs, directory, etcd, port, configuration), directory / "api-server.log"
        ) as process,
    ):
        ready = f"https://{HOST}:{port}/readyz"
        with httpx.Client(verify=False) as client:  # noqa: S501 - it says only whether it is ready

            def is_ready() -> bool:
                assert process.poll() is None, (directory / "api-server.log").read_text()[-3000:]
                with contextlib.suppress(httpx.TransportError):
                    return client.get(ready).status_code == httpx.codes.OK
                return False

            poll_until(is_ready, seconds=_START_SECONDS, what="the API server is ready")
        yield LoneApiServer(programs / "kubectl", kubeconfig, configuration)


def _etcd(programs: Path, directory: Path, clients: str, peers: str) -> Sequence[str]:
    return (
        f"{programs}/etcd",
        "--name=lone",
        f"--data-dir={directory}/etcd",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=lone={peers}",
        "--unsafe-no-fsync",
    )


def _api_server(programs: Path, directory: Path, etcd: str, port: int, authentication: Path) -> Sequence[str]:
    pki = directory / "pki"
    return (
        f"{programs}/kube-apiserver",
        f"--etcd-servers={etcd}",
        f"--bind-address={HOST}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--authentication-config={authentication}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        "--service-cluster-ip-range=10.99.0.0/24",
        "--endpoint-reconciler-type=none",  # No node would find it on loopback
        "--profiling=false",
    )


@contextlib.contextmanager
def _running(argv: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)
