"""What stays of the node's packet filter when the agent for network policies has gone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from cluster.node.policy_agent import RESTORE, removal

AGENT: Final = """*filter
:KUBE-ROUTER-INPUT - [0:0]
:KUBE-POD-FW-3VOG2IJLPSBVYRK6 - [0:0]
:KUBE-NWPLCY-DEFAULT - [0:0]
-A INPUT -m comment --comment "kube-router netpol - 4IA2" -j KUBE-ROUTER-INPUT
-A KUBE-ROUTER-INPUT -j KUBE-POD-FW-3VOG2IJLPSBVYRK6
-A KUBE-POD-FW-3VOG2IJLPSBVYRK6 -j KUBE-NWPLCY-DEFAULT
-A KUBE-NWPLCY-DEFAULT -p tcp -j ACCEPT
COMMIT
"""
PROXY: Final = """*nat
:KUBE-NODEPORTS - [0:0]
-A PREROUTING -j KUBE-NODEPORTS
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
-A INPUT -j KUBE-FIREWALL
COMMIT
"""
NODE_PORT: Final = "-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j ACCEPT"


def test_only_what_is_the_agents_is_named() -> None:
    saved = [*AGENT.splitlines(), *PROXY.splitlines()]
    assert removal(saved) == (
        "*filter\n"
        ":KUBE-ROUTER-INPUT - [0:0]\n:KUBE-POD-FW-3VOG2IJLPSBVYRK6 - [0:0]\n:KUBE-NWPLCY-DEFAULT - [0:0]\n"
        '-D INPUT -m comment --comment "kube-router netpol - 4IA2" -j KUBE-ROUTER-INPUT\n'
        "-X KUBE-ROUTER-INPUT\n-X KUBE-POD-FW-3VOG2IJLPSBVYRK6\n-X KUBE-NWPLCY-DEFAULT\n"
        "COMMIT\n"
    )


def test_without_an_agent_nothing_is_said() -> None:
    assert removal(PROXY.splitlines()) == ""


class Network:
    """A network namespace of a test's own."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"

    def run(self, *words: str, stdin: str = "") -> str:
        """Run a command there; return what it printed."""
        entered = ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", *words]
        return subprocess.run(entered, input=stdin, capture_output=True, text=True, check=True).stdout

    def close(self) -> None:
        """Remove it."""
        self._holder.kill()
        self._holder.wait()
        assert self._holder.stdout is not None
        self._holder.stdout.close()


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    yield made
    made.close()


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("iptables-restore") is None,
    reason="needs root on Linux, and iptables",
)
def test_what_kube_proxy_writes_meanwhile_stays(network: Network) -> None:
    """It writes a rule once: one that is lost then stays away, and with it the port on the node."""
    for rules in (PROXY, AGENT):
        network.run(*RESTORE, stdin=rules)
    script = removal(network.run("iptables-save").splitlines())
    network.run("iptables", "--table", "nat", *NODE_PORT.split())
    network.run(*RESTORE, stdin=script)
    left = network.run("iptables-save").splitlines()
    assert NODE_PORT in left
    assert "-A INPUT -j KUBE-FIREWALL" in left
    assert not [
        line for line in left if "KUBE-ROUTER" in line or "KUBE-POD-FW" in line or "KUBE-NWPLCY" in line
    ]
