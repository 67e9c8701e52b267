"""The embedded cluster: up, down, status."""

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path

from cluster import node
from cluster.archives import load, loaded_names
from cluster.binaries import build_all
from cluster.commands import run, succeeds
from cluster.console import say, step
from cluster.errors import LauncherError
from cluster.images import PAUSE_IMAGE, archive_path, build, catalogue
from cluster.lock import exclusive
from cluster.network import Link
from cluster.packages import check_host, install_missing
from cluster.settings import CHECKOUT, NODE_NAME, Instance, cache_home

_READY_TIMEOUT_SECONDS = 120.0
_POLL_SECONDS = 0.2


def up(instance: Instance) -> Path:
    """Bring the cluster from whatever state it is in to a ready node with all images; return the programs' directory.

    Raises:
        LauncherError: see the sentence.
    """
    check_host()
    install_missing()
    cache = cache_home()
    binaries = build_all(cache)
    with exclusive(instance):
        running = node.init_record(instance)
        if running is None:
            with step(f"starting cluster {instance.name!r}"):
                link = node.start(instance, binaries=binaries, pause_image=PAUSE_IMAGE)
        else:
            say(f"  cluster {instance.name!r} runs already (process {running.pid})")
            link = _link(instance)
        (instance.state / "bin").unlink(missing_ok=True)
        (instance.state / "bin").symlink_to(binaries)
        all_images = catalogue(cache)
        archives = {name: build(cache, image, all_images) for name, image in all_images.items()}
        _wait(instance, instance.containerd_socket.exists, "containerd to answer")
        load_images(instance, archives)
        with step("waiting for the node"):
            _wait_ready(instance, binaries, link)
    return binaries


def _link(instance: Instance) -> Link:
    link = node.link_of(instance)
    if link is None:
        raise LauncherError(f"cluster {instance.name!r} runs without its link.json; run `make down` first.")
    return link


def load_images(instance: Instance, archives: dict[str, Path]) -> list[str]:
    """Load the archives that the node does not have in this content; return the names that were loaded."""
    record_file = instance.state / "images.json"
    try:
        record: dict[str, str] = json.loads(record_file.read_text())
    except (OSError, ValueError):
        record = {}
    present = loaded_names(instance)
    changed = []
    for name, archive in archives.items():
        if record.get(name) != archive.name or name not in present:
            with step(f"loading {name}"):
                load(instance, archive)
            record[name] = archive.name
            record_file.write_text(json.dumps(record, indent=2))
            changed.append(name)
    return changed


def build_images() -> list[Path]:
    """Build every image's archive without a cluster."""
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
    ready = ["wait", "--for=condition=Ready", f"node/{NODE_NAME}", "--timeout=5s"]
    _wait(instance, lambda: succeeds([*kubectl, *ready]), "the node to become ready")
    account = ["get", "serviceaccount", "default", "--namespace", "default"]
    _wait(instance, lambda: succeeds([*kubectl, *account]), "the controllers to work")


def _wait(instance: Instance, condition: Callable[[], bool], what: str) -> None:
    """Poll until `condition` holds, as long as the namespaces live.

    Raises:
        LauncherError: too late, or the supervisor is gone; the sentence names the log to read.
    """
    deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
    while not condition():
        if node.init_record(instance) is None:
            raise LauncherError(f"the cluster ended while waiting for {what}; see {instance.state}/log/.")
        if time.monotonic() > deadline:
            raise LauncherError(
                f"waited {_READY_TIMEOUT_SECONDS:.0f} s in vain for {what}; see {instance.state}/log/."
            )
        time.sleep(_POLL_SECONDS)


def down(instance: Instance) -> None:
    """Remove every trace of the cluster but the caches."""
    check_host()
    with exclusive(instance):
        with step(f"removing cluster {instance.name!r}"):
            node.stop(instance)
        instance.lock_file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        instance.state.parent.rmdir()  # only when it holds no other instance
