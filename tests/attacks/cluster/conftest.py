"""Attacks on the real cluster: its fixtures are those of tests/cluster."""

from tests.cluster.conftest import _cluster, client, namespace

__all__ = ["_cluster", "client", "namespace"]
