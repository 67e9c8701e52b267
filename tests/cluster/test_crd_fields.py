"""Each field of both resources: the API server names the field whose value does not fit its schema."""

from typing import Any, Final

import pytest

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.resources.names import API_VERSION, DEFINITION_KIND, KIND
from tests.cluster.crds import kind
from tests.cluster.definition_crds import definitions
from tests.faults.fields import schema_of, values_of

__all__ = ["definitions", "kind"]

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("crd")]

_BASE: Final = {"runtime": {"docker": {"image": "sum:1"}}}


async def test_what_does_not_fit_an_execution_is_refused_by_its_field_s_name(
    client: KubernetesClient, namespace: str, kind: ResourceKind
) -> None:
    assert await _not_refused(client, namespace, kind, KIND) == []


async def test_what_does_not_fit_a_service_is_refused_by_its_field_s_name(
    client: KubernetesClient, namespace: str, definitions: ResourceKind
) -> None:
    assert await _not_refused(client, namespace, definitions, DEFINITION_KIND) == []


async def _not_refused(client: KubernetesClient, namespace: str, kind: ResourceKind, name: str) -> list[str]:
    """Return the values that do not fit and are taken, or refused without the field's name."""
    wrong = []
    for number, value in enumerate(values_of(schema_of(kind.plural))):
        if value.fits:
            continue
        body: Any = {
            "apiVersion": f"{kind.group}/{API_VERSION}",
            "kind": name,
            "metadata": {"name": f"x{number}", "namespace": namespace},
            "spec": value.in_spec(_BASE),
        }
        try:
            await client.create(kind, namespace, body)
        except KubernetesError as error:
            if value.field not in str(error):
                wrong.append(f"{value}: {error}")
        else:
            wrong.append(f"{value}: taken")
    return wrong
