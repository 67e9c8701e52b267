"""`python -m cluster <command>`; the Makefile names the commands' use."""

import argparse
import errno
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from cluster.errors import LauncherError
from cluster.images.binaries import HELM_ONLY, build_all
from cluster.kinds.cluster import Cluster, check_kind
from cluster.kinds.current import CurrentCluster
from cluster.kinds.embedded import EmbeddedCluster, build_images
from cluster.kinds.kind import KindCluster
from cluster.settings import cache_home, instance, shape

_INTERRUPTED: Final = 130

_PROGRAMS: Final = Path(__file__).resolve().parents[1] / "tools" / "bin"
"""Of this checkout: sx and kubectl-sx."""


def main() -> int:
    """Returns the exit status: 0, 1 for a failure said in one sentence, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    parser.set_defaults(lean=False)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring the cluster and the operator up")
    up.add_argument("--without-operator", action="store_true", help="stop when the node is ready")
    up.add_argument(
        "--lean", action="store_true", help="leave out what only builds of services and tests need"
    )
    commands.add_parser("down", help="remove the cluster")
    commands.add_parser("status", help="show what runs; exit with 0 only when everything is ready")
    commands.add_parser("env", help="print export lines for a shell")
    commands.add_parser("images", help="build all images and print their archives' paths")
    commands.add_parser("programs", help="build Helm and print the directory it is in")
    load = commands.add_parser("load", help="put an image archive into the cluster's node")
    load.add_argument("archive", type=Path)
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except LauncherError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print("error: the disk is full; free some space and run the same command again.", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted; run the same command to continue.", file=sys.stderr)
        return _INTERRUPTED
    return 1


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "images":
        for archive in build_images():
            print(archive)
        return 0
    if arguments.command == "programs":
        print(build_all(cache_home(), HELM_ONLY))
        return 0
    cluster = _chosen(lean=arguments.lean)
    match arguments.command:
        case "up":
            cluster.up(with_operator=not arguments.without_operator)
        case "down":
            cluster.down()
        case "status":
            return 0 if cluster.status() else 1
        case "env":
            print(export_lines(cluster, str(_PROGRAMS)))
        case "load":
            cluster.load(arguments.archive)
    return 0


def _chosen(*, lean: bool) -> Cluster:
    kind = check_kind(os.environ.get("CLUSTER") or "embedded")
    if kind != "embedded" and os.environ.get("SX_KUBERNETES"):
        raise LauncherError(
            f"SX_KUBERNETES chooses the version of CLUSTER=embedded, and CLUSTER={kind} has its own: leave it out."
        )
    if kind == "kind":
        return KindCluster(f"serviceexecution-{instance().name}")
    return CurrentCluster() if kind == "current" else EmbeddedCluster(instance(), replace(shape(), lean=lean))


def export_lines(cluster: Cluster, programs: str = "") -> str:
    """`export` lines for `eval`; PATH keeps what the shell has, and gets the folder ``programs`` as well."""
    environment = dict(cluster.environment())
    if programs:
        environment["PATH"] = ":".join(filter(None, (programs, environment.get("PATH"))))
    lines = []
    for name, value in environment.items():
        rest = ':"$PATH"' if name == "PATH" else ""
        lines.append(f"export {name}={shlex.quote(value)}{rest}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
