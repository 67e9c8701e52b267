"""What image builds need of the embedded cluster: a way out, certificates, base images, a seccomp profile."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cluster.commands import run
from cluster.console import say, step
from cluster.images.catalogue import catalogue
from cluster.images.layers import LayerStore
from cluster.images.seeding import Registry, missing, read_content, send, wait_until_it_answers
from cluster.lock import exclusive
from cluster.node.network import Link
from cluster.node.spawning import bound_directory
from cluster.release.operator_release import Tools
from cluster.settings import (
    CHECKOUT,
    EGRESS_PORT,
    OPERATOR_NAMESPACE,
    POD_NETWORK,
    REGISTRY_NODE_PORT,
    RELEASE,
    SERVICE_NETWORK,
    Instance,
)

CA_CONFIG_MAP: Final = "build-ca"
SECCOMP_PROFILE: Final = "serviceexecution-build.json"
# What a Kubernetes object holds, less some room for its metadata.
_CONFIG_MAP_BYTES: Final = 1024 * 1024 - 16 * 1024
_CA_BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_MIRRORED: Final = ("docker.io", "ghcr.io")
_PUSH_ADDRESS: Final = f"{RELEASE}-registry.{OPERATOR_NAMESPACE}.svc:5000"


def helm_values(link: Link, *, ca_bundle: bool) -> dict[str, object]:
    """The values that only this cluster has: base images from its own registry, and the proxy as the way out."""
    proxy = f"http://{link.host}:{EGRESS_PORT}"
    direct = ["localhost", "127.0.0.1", ".svc", ".cluster.local", link.node, SERVICE_NETWORK, POD_NETWORK]
    builds: dict[str, object] = {
        "environment": {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": ",".join(direct)},
        "registry": {"mirrors": {host: f"{_PUSH_ADDRESS}/{host}" for host in _MIRRORED}},
        "seccompProfile": SECCOMP_PROFILE,
    }
    if ca_bundle:
        builds["caBundle"] = {"configMap": CA_CONFIG_MAP, "key": "ca.crt"}
    return {"builds": builds}


def prepare(instance: Instance, link: Link, tools: Tools, directories: Sequence[Path]) -> Path:
    """Put the profile onto the nodes with these directories, and the certificates into the cluster.

    Returns the values file that names both. The operator's namespace must be there.
    """
    for directory in directories:
        install_seccomp_profile(directory)
    bundle = read_ca_bundle(_CA_BUNDLE)
    if bundle is not None:
        run(
            [tools.kubectl, "apply", "--server-side", "--force-conflicts", "-f", "-"],
            what="Creating the certificates' ConfigMap",
            environment=tools.environment,
            stdin=json.dumps(ca_config_map(bundle)),
        )
    values = instance.state / "values.json"
    values.write_text(json.dumps(helm_values(link, ca_bundle=bundle is not None), indent=2))
    return values


def without_builds(instance: Instance) -> Path:
    """Return the values file of a cluster that has nothing to build services with."""
    values = instance.state / "values.json"
    off = {"enabled": False, "registry": {"inCluster": {"enabled": False}}}
    values.write_text(json.dumps({"builds": off}, indent=2))
    return values


def install_seccomp_profile(directory: Path) -> None:
    """Where the kubelet of a node with that directory looks for a pod's profile of type Localhost."""
    target = bound_directory(directory, "/var/lib/kubelet") / "seccomp" / SECCOMP_PROFILE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes((CHECKOUT / "images" / "builder" / "seccomp.json").read_bytes())


def read_ca_bundle(path: Path) -> str | None:
    """The certificates that this machine trusts; None, said to the user, when there are none or too many."""
    try:
        text = path.read_text()
    except OSError:
        return None
    if len(text.encode()) > _CONFIG_MAP_BYTES:
        say(f"  {path} is too large for a ConfigMap: builds trust only their images' certificates")
        return None
    return text


def ca_config_map(bundle: str) -> Mapping[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CA_CONFIG_MAP, "namespace": OPERATOR_NAMESPACE},
        "data": {"ca.crt": bundle},
    }


def seed_registry(cache: Path, link: Link, archives: Mapping[str, Path]) -> None:
    """Give the cluster's registry the images that builds start from, as far as it does not have them.

    `archives` maps references to archives.
    """
    seeded = {name: archives[name] for name, image in catalogue(cache).items() if image.seeded}
    registry = Registry(link.node, REGISTRY_NODE_PORT)
    store = LayerStore(cache / "layers")
    with exclusive(cache / "layers.lock", what="compresses base images"):
        contents = {name: read_content(archive, store) for name, archive in seeded.items()}
        wait_until_it_answers(registry)
        absent = missing(registry, contents)
        if absent:
            names = ", ".join(name.rpartition("/")[2] for name in absent)
            with step(f"base images for builds into the cluster's registry: {names}"):
                for name in absent:
                    send(registry, name, contents[name])
        store.keep_only({digest for content in contents.values() for digest in content.layers})
