"""Somebody writes the access key of another namespace on an execution of their own, which then is an application there.

What that key may run was then told with the names, ids and addresses of the other namespace's services. Fails on
f6bb466.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.access_key import KeyId
from serviceexecution.resources.names import ANNOTATION_SUBMITTED_BY
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import Service

OTHERS = "team-b"
THEIRS = KeyId(OTHERS, "k1")
OWN = KeyId(NAMESPACE, "k2")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """Alice may do everything in her namespace, and each key may run what is in its own."""
    found = Service(tmp_path)
    found.cluster.define("hidden", OTHERS)

    def is_allowed(identity: TokenIdentity, question: Mapping[str, str]) -> bool:
        whose = {"alice": NAMESPACE, THEIRS.account: OTHERS, OWN.account: NAMESPACE}
        return question["namespace"] == whose[identity.username]

    found.cluster.is_allowed = is_allowed  # type: ignore[method-assign]
    for number, key in enumerate((THEIRS, OWN)):
        metadata = {"annotations": {ANNOTATION_SUBMITTED_BY: key.account}}
        spec = {"serviceRef": {"name": SERVICE}}
        found.cluster.seed(SERVICE_EXECUTIONS, NAMESPACE, f"e{number}", metadata=metadata, spec=spec)
    for namespace in (NAMESPACE, OTHERS):
        for body in found.cluster.of(SERVICE_DEFINITIONS, namespace).values():
            found.state.note_definition(body)
    yield found
    await found.schemas.close()


async def test_a_key_of_another_namespace_tells_nothing_of_that(service: Service) -> None:
    base = f"/platform/{NAMESPACE}/applications"
    for path in ("/subscriptions", "/access-keys", ""):
        answer = await service.http.get(f"{base}/{THEIRS}{path}")
        assert (answer.status_code, "hidden" in answer.text) == (404, False), answer.text
    assert [one["id"] for one in (await service.http.get(base)).json()] == [str(OWN)]
    (subscription,) = (await service.http.get(f"{base}/{OWN}/subscriptions")).json()
    assert subscription["service"]["name"] == SERVICE
    theirs = service.cluster.of(SERVICE_DEFINITIONS, OTHERS)["hidden"]["metadata"]["uid"]
    for key in (THEIRS, OWN):
        body = {"applicationId": str(key), "serviceId": theirs}
        answer = await service.http.post(f"/platform/{NAMESPACE}/subscriptions", json=body)
        assert answer.status_code == 404, answer.text
        assert "hidden" not in answer.text


async def test_what_such_an_execution_says_of_itself_is_found_in_lists(service: Service) -> None:
    answer = await service.http.get(
        f"/platform/{NAMESPACE}/service-executions", params={"applicationId": str(THEIRS)}
    )
    assert [one["name"] for one in answer.json()["content"]] == ["e0"]
