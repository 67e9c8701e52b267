"""An agent that enforces NetworkPolicies on the embedded node, for as long as somebody wants it.

The node's own network plugin enforces none. kube-router does, with iptables and ipset in the node's network namespace.
"""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from cluster.commands import run
from cluster.errors import LauncherError
from cluster.node.namespaces import init_record
from cluster.settings import NODE_NAME, Instance

_CHAINS: Final = ("KUBE-ROUTER", "KUBE-POD-FW", "KUBE-NWPLCY")
_SETS: Final = (
    "KUBE-SRC-",
    "KUBE-DST-",
    "inet6:KUBE-SRC-",
    "inet6:KUBE-DST-",
    "kube-router-",
    "inet6:kube-router-",
)
RESTORE: Final = ("iptables-restore", "--wait", "--noflush")
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.5


@contextlib.contextmanager
def enforcing(instance: Instance, program: Path) -> Iterator[None]:
    """Enforce all NetworkPolicies of ``instance`` with kube-router in ``program``; afterwards none of its rules stays.

    Raises LauncherError when the cluster is down, or when the agent ends or writes no rules.
    """
    node = init_record(instance)
    if node is None:
        raise LauncherError(f"cluster {instance.name!r} is down; start it with `make up`.")

    def inside(*argv: str, stdin: str | None = None) -> str:
        entered = ["nsenter", f"--target={node.pid}", "--net", *argv]
        return run(entered, what="Working on the node's packet filter", stdin=stdin)

    argv = [
        *("nsenter", f"--target={node.pid}", "--net", str(program)),
        *("--run-firewall=true", "--run-router=false", "--run-service-proxy=false"),
        *("--health-port=0", "--metrics-port=0", "--service-cluster-ip-range=10.96.0.0/16"),
        *(f"--kubeconfig={instance.kubeconfig}", f"--hostname-override={NODE_NAME}"),
    ]
    with (instance.state / "log" / "kube-router.log").open("w") as log:
        agent = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_for_rules(agent, lambda: inside("iptables-save"), Path(log.name))
            yield
        finally:
            agent.terminate()
            try:
                agent.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                agent.kill()
                agent.wait()
            _clean(inside)


def _wait_for_rules(agent: "subprocess.Popen[bytes]", rules: Callable[[], str], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while not any(line.startswith("-A KUBE-POD-FW") for line in rules().splitlines()):
        if agent.poll() is not None or time.monotonic() >= end:
            raise LauncherError(f"kube-router wrote no rules; see {log}.")
        time.sleep(_POLL_SECONDS)


def _clean(inside: Callable[..., str]) -> None:
    """Take the agent's rules and sets out; its own ``--cleanup-config`` needs tools that the node does not have."""
    inside(*RESTORE, stdin=removal(inside("iptables-save").splitlines()))
    for name in inside("ipset", "list", "-name").splitlines():
        if name.startswith(_SETS):
            inside("ipset", "destroy", name)


def removal(rules: Sequence[str]) -> str:
    """Return what takes the agent's rules and chains out, for ``RESTORE``, from the lines of ``iptables-save``.

    Nothing else is named: kube-proxy may have written rules since, and would not write them again.
    """
    said: list[str] = []
    for table in _tables(rules):
        chains = [line[1:].split()[0] for line in table if line.startswith(":") and _is_agents(line[1:])]
        jumps = [
            line
            for line in table
            if line.startswith("-A ") and _is_agents(line) and line.split()[1] not in chains
        ]
        if chains or jumps:
            said += [
                table[0],
                *(f":{chain} - [0:0]" for chain in chains),  # Empties it
                *(f"-D {line.removeprefix('-A ')}" for line in jumps),
                *(f"-X {chain}" for chain in chains),
                "COMMIT",
            ]
    return "".join(f"{line}\n" for line in said)


def _tables(rules: Sequence[str]) -> Iterator[list[str]]:
    table: list[str] = []
    for line in rules:
        if line.startswith("*"):
            table = [line]
        elif line == "COMMIT":
            yield table
        else:
            table.append(line)


def _is_agents(text: str) -> bool:
    return any(chain in text for chain in _CHAINS)
