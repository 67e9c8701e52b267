"""The configuration files of the node's components, as pure functions from addresses and paths."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from cluster.kubernetes_versions import DEFAULT, minor_of
from cluster.node.by_version import kubelet_settings
from cluster.node.places import Place
from cluster.settings import POD_NETWORK

_LISTS_AND_WATCHES: Final = ["get", "list", "watch"]


def render(
    state: Path, place: Place, *, pause_image: str, silence: int | None = None, kubernetes: str = DEFAULT
) -> dict[str, str]:
    """File name below `state` → content, for every component of the first node that wants a file."""
    return {
        "audit-policy.yaml": _yaml(_audit_policy()),
        "scheduler.yaml": _yaml(_scheduler(state)),
        "Corefile": _corefile(state, place.address),
        **render_worker(
            state,
            place,
            dns=place.address,
            pause_image=pause_image,
            silence=silence,
            kubernetes=kubernetes,
        ),
    }


def render_worker(
    state: Path,
    place: Place,
    *,
    dns: str,
    pause_image: str,
    silence: int | None = None,
    kubernetes: str = DEFAULT,
) -> dict[str, str]:
    """File name below the node's directory → content, for what every node runs.

    `state` is the instance's, `dns` the address of its name server, `silence` is `Shape.silence`,
    `kubernetes` the version that runs.
    """
    own = {**kubelet_settings(minor_of(kubernetes)), **_heartbeat(silence)}
    return {
        "kubelet.yaml": _yaml({**_kubelet(state, place, dns), **own}),
        "proxy.yaml": _yaml(_proxy(state, place)),
        "containerd.toml": _containerd(place, pause_image),
        "cni/10-pods.conflist": json.dumps(_pod_network(place.pods), indent=2),
    }


def _yaml(document: Mapping[str, object]) -> str:
    return yaml.safe_dump(dict(document), sort_keys=False)


def _audit_policy() -> Mapping[str, object]:
    """Who did what to which object, without the reads and leases of Kubernetes' own components."""
    quiet_users = [
        "system:apiserver",
        *(f"system:kube-{n}" for n in ("controller-manager", "scheduler", "proxy")),
    ]
    quiet_groups = ["system:nodes", "system:serviceaccounts:kube-system"]
    leases = [{"group": "coordination.k8s.io", "resources": ["leases"]}]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "users": quiet_users, "verbs": _LISTS_AND_WATCHES},
            {"level": "None", "userGroups": quiet_groups, "verbs": _LISTS_AND_WATCHES},
            {"level": "None", "users": quiet_users, "resources": leases},
            {"level": "None", "userGroups": quiet_groups, "resources": leases},
            {"level": "Metadata"},
        ],
    }


def _scheduler(state: Path) -> Mapping[str, object]:
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(state / "scheduler.conf")},
        "leaderElection": {"leaderElect": False},
    }


def _heartbeat(silence: int | None) -> Mapping[str, object]:
    """So many signs of life that a node of a busy machine is not taken for a silent one."""
    if silence is None:
        return {}
    # A lease is renewed four times as often as it lasts.
    return {"nodeLeaseDurationSeconds": silence // 2, "nodeStatusUpdateFrequency": "2s"}


def _kubelet(state: Path, place: Place, dns: str) -> Mapping[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupRoot": f"/{place.cgroup}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{place.containerd_socket}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(state / "pki/ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(place.directory / "pki/kubelet-server.crt"),
        "tlsPrivateKeyFile": str(place.directory / "pki/kubelet-server.key"),
        "clusterDomain": "cluster.local",
        "clusterDNS": [dns],
        # Without CAP_SYS_RESOURCE neither may go beyond what the launcher was started with.
        "oomScoreAdj": 0,
        "maxOpenFiles": 20000,
        "readOnlyPort": 0,
        "maxPods": 110,
        # A developer's disk is often nearly full; images are never collected, pods never evicted for it.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
        "imageGCHighThresholdPercent": 100,
    }


def _proxy(state: Path, place: Place) -> Mapping[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(state / "proxy.conf")},
        "clusterCIDR": POD_NETWORK,
        "hostnameOverride": place.name,
        "oomScoreAdj": 0,
        # Also on localhost: image names that begin with it are pulled by plain http without any setting of the node.
        "nodePortAddresses": [f"{place.address}/32", "127.0.0.0/8"],
        # These are settings of the whole machine, not of the network namespace.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def _containerd(place: Place, pause_image: str) -> str:
    return f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "{place.containerd_socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause_image}"
  # Needed where the launcher has no CAP_SYS_RESOURCE.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{place.directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""


def _corefile(state: Path, node_address: str) -> str:
    """Cluster names only: the node has no way out, so a `forward` line would only make other names slow to fail."""
    return f"""\
.:53 {{
    bind {node_address}
    errors
    health 127.0.0.1:8080
    cache 5
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {state}/dns.conf
        ttl 5
    }}
}}
"""


def _pod_network(pods: str) -> Mapping[str, object]:
    """Point-to-point links: every packet between pods is routed, so that kube-proxy's rules always see it."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": "/run/cni/addresses",
    }
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
