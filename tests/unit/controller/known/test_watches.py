"""How Kopf's watches reach the API server."""

import kopf
import pytest

from serviceexecution.controller.known.watches import at_service_address, kopf_settings

BY_NAME = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="token", ca_path="/ca.crt")  # noqa: S106


@pytest.mark.parametrize(
    ("environment", "server"),
    [
        ({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, "https://10.96.0.1:443"),
        (
            {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "6443"},
            "https://10.96.0.1:6443",
        ),
        ({"KUBERNETES_SERVICE_HOST": "fd00::1"}, "https://[fd00::1]:443"),
        ({}, "https://kubernetes.default.svc"),
    ],
)
def test_watches_need_no_dns(environment: dict[str, str], server: str) -> None:
    found = at_service_address(BY_NAME, environment)
    assert found.server == server
    assert (found.token, found.ca_path) == ("token", "/ca.crt")


@pytest.mark.parametrize(("page", "chunk"), [(500, 500), (31, 31), (1, 8)])
def test_the_first_list_has_pages_as_large_as_the_objects_allow(page: int, chunk: int) -> None:
    """Controller 7: 10,000 executions were listed in 1,250 pages, which may take longer than their snapshot lives."""
    assert kopf_settings(page).watching.chunk_size == chunk


def test_no_event_costs_a_copy_of_its_object() -> None:
    """A pod of 9 KB cost 1.2 ms at each of its events, of which 0.9 were Kopf's copy, which nobody looked at."""
    storage = kopf_settings(500).persistence.diffbase_storage
    body = kopf.Body({"metadata": {"name": "a"}, "spec": {"input": ["large"]}})
    assert storage.fetch(body=body) is None
    assert storage.build(body=body) == {}
    patch = kopf.Patch()
    storage.store(body=body, patch=patch, essence=storage.build(body=body))
    assert not patch
