"""What stays of the node's packet filter when the agent for network policies has gone."""

from cluster.node.policy_agent import without_agent

SAVED = """*filter
:INPUT ACCEPT [0:0]
:KUBE-ROUTER-INPUT - [0:0]
:KUBE-POD-FW-3VOG2IJLPSBVYRK6 - [0:0]
:KUBE-FIREWALL - [0:0]
-A INPUT -m comment --comment "kube-router netpol - 4IA2" -j KUBE-ROUTER-INPUT
-A INPUT -j KUBE-FIREWALL
-A KUBE-NWPLCY-DEFAULT -j MARK --set-xmark 0x10000/0x10000
COMMIT
"""


def test_all_that_is_not_the_agents_stays_in_its_order() -> None:
    assert without_agent(SAVED.splitlines()) == (
        "*filter\n:INPUT ACCEPT [0:0]\n:KUBE-FIREWALL - [0:0]\n-A INPUT -j KUBE-FIREWALL\nCOMMIT\n"
    )
