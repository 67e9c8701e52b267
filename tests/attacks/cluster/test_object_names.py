"""C1 at the API server: a name that no object can have is refused at the door, with its place and in words.

Fails on 9b98b50: the API server took any text of up to 253 characters.
"""

from typing import Any

import pytest

from serviceexecution.kube.errors import KubernetesError
from tests.attacks.object_names import BAD, BAD_KEYS, GOOD, GOOD_KEYS, OF_EXECUTIONS, OF_SERVICES, spec_with
from tests.cluster.crds import RUNTIME, Executions, executions, kind
from tests.cluster.definition_crds import create, definitions

__all__ = ["definitions", "executions", "kind"]

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("crd")]


def whole(path: str, value: str) -> Any:
    """Return a spec with that value; a reference has its other half, too."""
    spec: Any = spec_with(path, value)
    parent = spec
    for step in path.replace("[]", ".[]").split(".")[:-1]:
        parent = parent[0] if step == "[]" else parent["x" if step == "*" else step]
    if "KeyRef" in path:
        parent.update({name: "a" for name in ("name", "key") if name not in parent})
    if path.startswith("env"):
        spec["env"][0]["name"] = "A"
    if path.startswith("callback"):
        spec["callback"]["url"] = "https://a.example"
    return spec


@pytest.mark.parametrize("path", list(OF_EXECUTIONS))
async def test_an_execution_takes_no_text_for_a_name(executions: Executions, path: str):
    words = "must be a name such as" if OF_EXECUTIONS[path] == "name" else "must be a key such as"
    of_service = {"runtime": None} if path.startswith("serviceRef") else {}
    for text in (BAD if OF_EXECUTIONS[path] == "name" else BAD_KEYS)[:12]:
        with pytest.raises(KubernetesError) as caught:
            await executions.create(**{**of_service, **whole(path, text)})
        assert caught.value.status == 422
        assert words in str(caught.value) or not text
        assert path.rpartition(".")[2].removesuffix("[]") in str(caught.value)
    for number, text in enumerate(GOOD[:5] if OF_EXECUTIONS[path] == "name" else GOOD_KEYS):
        await executions.create(f"good-{number}", **{**of_service, **whole(path, text)})


@pytest.mark.parametrize("path", sorted(set(OF_SERVICES) - set(OF_EXECUTIONS)))
async def test_a_service_takes_none_either(client, definitions, namespace, path: str):
    spec = whole(path, "../../team-b/secrets/a")
    source: Any = {"git": {"url": "https://git.example.com/a.git", **spec.pop("source", {"git": {}})["git"]}}
    runtime = spec.pop("runtime", RUNTIME if path.startswith("build") else {"python": {}})
    if runtime != RUNTIME:
        spec["source"] = source
    with pytest.raises(KubernetesError, match="must be a name such as") as caught:
        await create(client, definitions, namespace, runtime=runtime, **spec)
    assert caught.value.status == 422
