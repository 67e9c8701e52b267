"""Names and places of instances, and the choice of a cluster kind."""

import pytest

from cluster.errors import LauncherError
from cluster.kinds.cluster import check_kind
from cluster.settings import Shape, cache_home, instance, shape


def test_the_default_instance_is_called_embedded() -> None:
    found = instance({})
    assert found.name == "embedded"
    assert found.interface == "sx-embedded"
    assert str(found.state) == "/var/lib/serviceexecution/embedded"


@pytest.mark.parametrize("name", ["Up", "a_b", "-a", "a-", "a" * 13, "a/b", ".."])
def test_names_that_cannot_be_an_interface_are_refused_with_the_rule(name: str) -> None:
    with pytest.raises(LauncherError, match="1 to 12 lower-case letters"):
        instance({"SX_CLUSTER_NAME": name})


def test_the_longest_name_fits_an_interface() -> None:
    assert len(instance({"SX_CLUSTER_NAME": "a" * 12}).interface) == 15


def test_two_instances_share_nothing() -> None:
    one, other = instance({"SX_CLUSTER_NAME": "one"}), instance({"SX_CLUSTER_NAME": "other"})
    for attribute in ("state", "interface", "cgroup", "lock_file", "kubeconfig", "containerd_socket"):
        assert getattr(one, attribute) != getattr(other, attribute)


def test_the_lock_outlives_the_state_directory() -> None:
    found = instance({})
    assert not found.lock_file.is_relative_to(found.state)


def test_the_cache_follows_the_xdg_variable() -> None:
    assert str(cache_home({"XDG_CACHE_HOME": "/x"})) == "/x/serviceexecution"


def test_an_unknown_kind_is_answered_with_those_that_exist() -> None:
    assert check_kind("current") == "current"
    with pytest.raises(LauncherError, match="'minikube', but it can be embedded, kind or current"):
        check_kind("minikube")


def test_a_cluster_keeps_its_shape_when_none_is_asked_for() -> None:
    assert shape({"SX_NODES": ""}) == Shape(nodes=None, silence=None)
    assert shape({"SX_NODES": "3", "SX_DEAD_NODE_SECONDS": "16"}) == Shape(nodes=3, silence=16)


@pytest.mark.parametrize("text", ["0", "10", "-1", "three", "²", "1" * 5000])
def test_a_number_of_nodes_that_cannot_be_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(LauncherError, match=r"SX_NODES is .* from 1 to 9"):
        shape({"SX_NODES": text})
