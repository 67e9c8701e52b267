"""The processes of the embedded node and what each must wait for."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cluster.node.places import Place
from cluster.settings import NODE_NAME, SERVICE_NETWORK

ETCD_URL: Final = "http://127.0.0.1:2379"


@dataclass(frozen=True)
class Component:
    """A process that the supervisor keeps running.

    `after` holds probes that must pass before each start: `tcp:HOST:PORT` (something listens), `https:HOST:PORT/PATH`
    (answers 200) or `unix:PATH` (something listens).
    """

    name: str
    argv: tuple[str, ...]
    after: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return asdict(self)


BASE_OBJECTS: Final = "base-objects"
"""File in the instance's state that says: the API server has the cluster's own objects, rights among them."""


def components(
    state: Path, place: Place, *, binaries: Path, python: str, silence: int | None = None
) -> list[Component]:
    """The first node's, in the order in which they should start; `binaries` has links named after each component.

    `silence` is `Shape.silence`.
    """
    api_ready = _api_ready(place.address)
    # Refused before their rights exist, they would ask again later and later, for up to a minute.
    rights = f"file:{state / BASE_OBJECTS}"
    containerd, kubelet, proxy = worker_components(place, binaries=binaries, api_address=place.address)
    return [
        Component("etcd", _etcd(state, binaries)),
        containerd,
        Component(
            "kube-apiserver", _api_server(state, binaries, place.address, silence), ("tcp:127.0.0.1:2379",)
        ),
        Component("kube-controller-manager", _controller_manager(state, binaries, silence), (api_ready,)),
        Component("kube-scheduler", _scheduler(state, binaries), (api_ready,)),
        kubelet,
        proxy,
        Component("coredns", (f"{binaries}/coredns", "-conf", f"{state}/Corefile"), (api_ready, rights)),
        Component(
            "provisioner",
            (python, "-m", "cluster.node.provisioner", f"{state}/provisioner.conf", f"{state}/volumes"),
            (api_ready, rights),
        ),
    ]


def worker_components(place: Place, *, binaries: Path, api_address: str) -> list[Component]:
    """What every node runs: containerd, kubelet and kube-proxy."""
    directory, api_ready = place.directory, _api_ready(api_address)
    return [
        Component("containerd", ("containerd", "--config", f"{directory}/containerd.toml")),
        Component("kubelet", _kubelet(place, binaries), (api_ready, f"unix:{place.containerd_socket}")),
        Component("kube-proxy", (f"{binaries}/kube-proxy", f"--config={directory}/proxy.yaml"), (api_ready,)),
    ]


def _api_ready(address: str) -> str:
    return f"https:{address}:6443/readyz"


def _etcd(state: Path, binaries: Path) -> tuple[str, ...]:
    peer = "http://127.0.0.1:2380"
    return (
        f"{binaries}/etcd",
        f"--name={NODE_NAME}",
        f"--data-dir={state}/etcd",
        f"--listen-client-urls={ETCD_URL}",
        f"--advertise-client-urls={ETCD_URL}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster={NODE_NAME}={peer}",
        "--unsafe-no-fsync",  # A development cluster may lose its data when the machine crashes
    )


def _api_server(state: Path, binaries: Path, node_address: str, silence: int | None) -> tuple[str, ...]:
    pki = state / "pki"
    tolerated = ("not-ready", "unreachable") if silence is not None else ()
    return (
        f"{binaries}/kube-apiserver",
        f"--etcd-servers={ETCD_URL}",
        "--bind-address=0.0.0.0",
        "--secure-port=6443",
        f"--advertise-address={node_address}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        # No aggregated API is installed; without these the other components log an error every minute.
        f"--requestheader-client-ca-file={pki}/ca.crt",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        f"--audit-policy-file={state}/audit-policy.yaml",
        f"--audit-log-path={state}/log/audit.log",
        "--audit-log-maxsize=1000",
        "--audit-log-maxbackup=1",
        "--profiling=false",
        *(f"--default-{what}-toleration-seconds={silence}" for what in tolerated),
    )


def _controller_manager(state: Path, binaries: Path, silence: int | None) -> tuple[str, ...]:
    pki = state / "pki"
    patience = (f"--node-monitor-grace-period={silence}s", "--node-monitor-period=1s")
    kubeconfig = f"{state}/controller-manager.conf"
    return (
        f"{binaries}/kube-controller-manager",
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={pki}/service-accounts.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        *(patience if silence is not None else ()),
    )


def _scheduler(state: Path, binaries: Path) -> tuple[str, ...]:
    return (
        f"{binaries}/kube-scheduler",
        f"--config={state}/scheduler.yaml",
        f"--authentication-kubeconfig={state}/scheduler.conf",
        f"--authorization-kubeconfig={state}/scheduler.conf",
        "--bind-address=127.0.0.1",
    )


def _kubelet(place: Place, binaries: Path) -> tuple[str, ...]:
    return (
        f"{binaries}/kubelet",
        f"--config={place.directory}/kubelet.yaml",
        f"--kubeconfig={place.directory}/kubelet.conf",
        "--root-dir=/var/lib/kubelet",
        f"--cert-dir={place.directory}/kubelet-pki",
        f"--hostname-override={place.name}",
        f"--node-ip={place.address}",
    )
