"""Somebody who knows the id of another namespace's data pool, of its file, or the file's digest, asks for it."""

import hashlib

import pytest

from serviceexecution.kube.kinds import DATA_POOLS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service

OTHER = "team-b"
CONTENT = b"what team-b has measured"


@pytest.fixture
async def service(tmp_path):
    served = Service(tmp_path)
    for namespace in (NAMESPACE, OTHER):
        served.cluster.seed(DATA_POOLS, namespace, "pool", spec={})
    yield served
    await served.schemas.close()


def base(service, namespace, of=None):
    """Return the address of a namespace's data pool, or of another's below this namespace."""
    uid = service.cluster.of(DATA_POOLS, of or namespace)["pool"]["metadata"]["uid"]
    return f"/platform/{namespace}/datapools/{uid}"


async def upload(service, namespace, content=CONTENT):
    answer = await service.http.post(f"{base(service, namespace)}/files", files={"file": ("a.csv", content)})
    assert answer.status_code == 201
    return answer


async def test_an_id_of_another_namespace_leads_to_nothing(service):
    file = (await upload(service, OTHER)).json()
    stolen = base(service, NAMESPACE, of=OTHER)
    for address in (stolen, f"{stolen}/files", f"{stolen}/files/{file['id']}"):
        assert (await service.http.get(address)).status_code == 404
    for name in (file["id"], hashlib.sha256(CONTENT).hexdigest(), "../a.csv", "%2e%2e%2fa.csv"):
        own = f"{base(service, NAMESPACE)}/files/{name}"
        assert (await service.http.get(own)).status_code == 404


async def test_nobody_learns_that_another_namespace_has_the_same_content(service):
    """The answer to an upload is the same, and so is what is kept: the content itself, once more."""
    await upload(service, OTHER)
    known, unknown = await upload(service, NAMESPACE), await upload(service, NAMESPACE, CONTENT[::-1])
    assert sorted(known.headers) == sorted(unknown.headers)
    assert set(known.json()) == set(unknown.json())
    found = await service.store.pools._objects.list("cluster/!pools")
    blobs = [name for name in found if "/blobs/" in name]
    assert sorted(name.split("/")[0] for name in blobs if OTHER in name) == [OTHER]
    assert len(blobs) == 3
