"""The DataPool resource on the real API server: what its rules take and refuse."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from serviceexecution.contract.json_types import JsonObject
from tests.cluster.kubectl import kubectl, must

NEW = {"size": "1Gi"}


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    name = f"pools-{uuid.uuid4().hex[:8]}"
    must("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def created(namespace: str, **spec: Any) -> str:
    """Try to make a data pool, without keeping it, and return what the API server says."""
    body: JsonObject = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "DataPool",
        "metadata": {"name": "pool", "namespace": namespace},
        "spec": spec,
    }
    done = kubectl("create", "--dry-run=server", "-f", "-", stdin=body)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"displayName": "Ä", "tags": ["a", "b"]},
        {"storage": {"type": "Store"}},
        {"storage": {"type": "Claim", "claim": NEW}},
        {"storage": {"type": "Claim", "claim": {"existing": "models"}}},
    ],
)
def test_what_fits_is_taken(namespace: str, spec: dict[str, Any]) -> None:
    assert "created" in created(namespace, **spec)


@pytest.mark.parametrize(
    ("storage", "sentence"),
    [
        ({"type": "Claim"}, "a claim is needed by type Claim, and by nothing else"),
        ({"claim": NEW}, "a claim is needed by type Claim, and by nothing else"),
        (
            {"type": "Claim", "claim": {**NEW, "existing": "a"}},
            "give either the name of an existing claim, or the size of a new one",
        ),
        (
            {"type": "Claim", "claim": {"existing": "a", "accessMode": "ReadOnlyMany"}},
            "storageClassName and accessMode are of a new claim",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(
    namespace: str, storage: dict[str, Any], sentence: str
) -> None:
    assert sentence in created(namespace, storage=storage)


def test_files_do_not_move(namespace: str) -> None:
    body: JsonObject = {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "DataPool",
        "metadata": {"name": "fixed", "namespace": namespace},
        "spec": {"displayName": "A"},
    }
    must("create", "-f", "-", stdin=body)
    patch = ("patch", "datapool", "fixed", f"--namespace={namespace}", "--type=merge", "--patch")
    assert "storage is immutable" in kubectl(*patch, '{"spec": {"storage": {"type": "Store"}}}').stderr
    must(*patch, '{"spec": {"displayName": "B"}}')
