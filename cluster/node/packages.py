"""The Debian packages that the embedded cluster runs on, installed when they are missing."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cluster.commands import run
from cluster.console import say, step
from cluster.errors import LauncherError
from cluster.lock import exclusive
from cluster.settings import cache_home

_POLICY: Final = Path("/usr/sbin/policy-rc.d")
_DENY_STARTS: Final = (
    "#!/bin/sh\n# Put here for one installation by serviceexecution's cluster launcher.\nexit 101\n"
)

# Package → (a file that shows it is there, what it is for).
PACKAGES: Final[dict[str, tuple[str, str]]] = {
    "containerd": ("/usr/bin/containerd", "runs the node's containers"),
    "runc": ("/usr/sbin/runc", "starts each container"),
    "containernetworking-plugins": ("/usr/lib/cni/ptp", "gives pods their network"),
    "iptables": ("/usr/sbin/iptables", "kube-proxy's Services"),
    "conntrack": ("/usr/sbin/conntrack", "kube-proxy's connection clean-up"),
    "ipset": ("/usr/sbin/ipset", "the sets of an agent for network policies, when a test tries them"),
    "iproute2": ("/usr/bin/ip", "the link between host and cluster"),
    "mount": ("/usr/bin/mount", "the node's mounts"),
    "util-linux": ("/usr/bin/unshare", "the cluster's namespaces"),
    "buildah": ("/usr/bin/buildah", "builds images without a daemon"),
    "mmdebstrap": ("/usr/bin/mmdebstrap", "makes the Python base image"),
    "nginx-light": ("/usr/sbin/nginx", "stands before a gateway in a test, as an Ingress would"),
    "busybox-static": ("/usr/bin/busybox", "makes the busybox base image"),
}

BROWSER: Final[dict[str, tuple[str, str]]] = {
    "chromium": ("/usr/bin/chromium", "shows the console in tests"),
    "fonts-dejavu-core": ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "its letters"),
}


def missing_packages(root: Path = Path("/"), packages: Mapping[str, tuple[str, str]] = PACKAGES) -> list[str]:
    """Names of the packages whose file is not there; merged and split /usr are both looked at."""
    return [
        name
        for name, (file, _) in packages.items()
        if not any((root / place.lstrip("/")).exists() for place in (file, file.removeprefix("/usr")))
    ]


def install_missing(packages: Mapping[str, tuple[str, str]] = PACKAGES) -> None:
    """Install what is missing with apt-get, without starting any service; one caller at a time, as apt-get wants it.

    Raises LauncherError when this is not a Debian-like system, or the installation failed.
    """
    with exclusive(cache_home() / "packages.lock", what="installs Debian packages"):
        _install(missing_packages(packages=packages), packages)


def _install(missing: list[str], packages: Mapping[str, tuple[str, str]]) -> None:
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LauncherError(
            f"the embedded cluster needs {', '.join(missing)}, and this system has no apt-get to "
            "install them; use Debian or Ubuntu, or `make up CLUSTER=kind` with Docker."
        )
    say(f"  installing {len(missing)} Debian packages, about half a minute:")
    for name in missing:
        say(f"    {name}: {packages[name][1]}")
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    with step("apt-get install"), _services_stay_off():
        run(["apt-get", "update", "-qq"], what="apt-get update", environment=environment)
        install = ["apt-get", "install", "--yes", "-qq", "--no-install-recommends", *missing]
        run(install, what="apt-get install", environment=environment)
    still = missing_packages(packages=packages)
    if still:
        raise LauncherError(
            f"apt-get installed the packages, but the files of {', '.join(still)} are missing."
        )


@contextmanager
def _services_stay_off() -> Iterator[None]:
    """Debian starts a package's service at installation; we run containerd ourselves, so that is refused here."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text(_DENY_STARTS)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def check_host() -> None:
    """Refuse what cannot work, with the way out.

    Raises LauncherError when this is not Linux or the user is not root.
    """
    system = os.uname().sysname
    if system != "Linux":
        raise LauncherError(
            f"the embedded cluster runs on Linux, not on {system}; use `make up CLUSTER=kind` with Docker, "
            "or `CLUSTER=current` with a cluster that you have."
        )
    if os.geteuid() != 0:
        raise LauncherError(
            "the embedded cluster needs root; run `sudo -E make up`, or `make up CLUSTER=kind` with Docker."
        )
