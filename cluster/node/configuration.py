"""The configuration files of the node's components, as pure functions from addresses and paths."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from cluster.settings import NODE_NAME, POD_NETWORK

_LISTS_AND_WATCHES: Final = ["get", "list", "watch"]


def render(state: Path, *, node_address: str, cgroup: str, pause_image: str) -> dict[str, str]:
    """File name below `state` → content, for every component that wants a file."""
    return {
        "audit-policy.yaml": _yaml(_audit_policy()),
        "scheduler.yaml": _yaml(_scheduler(state)),
        "kubelet.yaml": _yaml(_kubelet(state, node_address, cgroup)),
        "proxy.yaml": _yaml(_proxy(state, node_address)),
        "containerd.toml": _containerd(state, pause_image),
        "Corefile": _corefile(state, node_address),
        "cni/10-pods.conflist": json.dumps(_pod_network(), indent=2),
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


def _kubelet(state: Path, node_address: str, cgroup: str) -> Mapping[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupRoot": f"/{cgroup}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{state}/containerd.sock",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(state / "pki/ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(state / "pki/kubelet-server.crt"),
        "tlsPrivateKeyFile": str(state / "pki/kubelet-server.key"),
        "clusterDomain": "cluster.local",
        "clusterDNS": [node_address],
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
        "imagePullCredentialsVerificationPolicy": "NeverVerify",
    }


def _proxy(state: Path, node_address: str) -> Mapping[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(state / "proxy.conf")},
        "clusterCIDR": POD_NETWORK,
        "hostnameOverride": NODE_NAME,
        "oomScoreAdj": 0,
        # Also on localhost: image names that begin with it are pulled by plain http without any setting of the node.
        "nodePortAddresses": [f"{node_address}/32", "127.0.0.0/8"],
        # These are settings of the whole machine, not of the network namespace.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def _containerd(state: Path, pause_image: str) -> str:
    return f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "{state}/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause_image}"
  # Needed where the launcher has no CAP_SYS_RESOURCE.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{state}/cni"
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


def _pod_network() -> Mapping[str, object]:
    """Point-to-point links: every packet between pods is routed, so that kube-proxy's rules always see it."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_NETWORK}]],
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
