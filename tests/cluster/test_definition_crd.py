"""The CRD of ServiceDefinitions on a real API server, and what the one of executions says of runs of a service."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import ResourceKind
from tests.cluster.crds import RUNTIME, Executions, executions, kind, refused
from tests.cluster.definition_crds import create, definitions
from tests.support.bad_input.definitions import ARCHIVE, BAD_SERVICES, BUILD, PYTHON, BadService, git

__all__ = ["definitions", "executions", "kind"]

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("crd")]

SCHEMA: Final[JsonObject] = {
    "type": "object",
    "properties": {"data": {"type": ["number", "null"], "default": None}},
}


class TestExactlyOneOfServiceAndRuntime:
    @pytest.mark.parametrize("spec", [{}, {"runtime": None, "serviceRef": None}])
    async def test_an_execution_without_service_and_runtime_is_refused(self, executions: Executions, spec):
        with refused("say what runs: give either serviceRef or runtime"):
            await executions.create(**{"runtime": None, **spec})

    async def test_an_execution_with_service_and_runtime_is_refused(self, executions: Executions):
        with refused("serviceRef"):
            await executions.create(serviceRef={"name": "adder"})

    async def test_a_run_of_a_service_stays_one(self, executions: Executions):
        await executions.create(runtime=None, serviceRef={"name": "adder"})
        with refused("serviceRef is immutable"):
            await executions.edit(serviceRef={"name": "other"})
        with refused("serviceRef"):
            await executions.edit(serviceRef=None, runtime=RUNTIME)

    async def test_what_was_taken_is_kept_as_it_was(self, executions: Executions):
        await executions.create(runtime=None, serviceRef={"name": "adder"})
        taken = {
            "name": "adder",
            "uid": "u",
            "generation": 3,
            "fields": {"podTemplate": {"spec": {"a": 1.5}}, "newer": {"x": []}},
            "outputSchema": {"const": {"$ref": "#/a"}},
        }
        written = await executions.say(service=taken)
        assert written["status"]["service"] == taken


class TestDefinitions:
    async def test_a_schema_comes_back_as_it_was_given(
        self, client: KubernetesClient, definitions: ResourceKind, namespace: str
    ):
        written = await create(client, definitions, namespace, inputSchema=SCHEMA)
        assert written["spec"]["inputSchema"] == SCHEMA

    async def test_everything_of_a_service_may_change(
        self, client: KubernetesClient, definitions: ResourceKind, namespace: str
    ):
        await create(
            client, definitions, namespace, affinity={"a": 1}, podTemplate={"spec": {"a": 1}}, timeout="1h"
        )
        patch: JsonObject = {
            "spec": {
                "affinity": {"a": 2},
                "podTemplate": None,
                "timeout": "2h",
                "runtime": {"docker": {"image": "b:2"}},
            }
        }
        changed = cast("Any", await client.patch(definitions, namespace, "adder", patch))
        assert changed["spec"]["affinity"] == {"a": 2}
        assert "podTemplate" not in changed["spec"]

    @pytest.mark.parametrize(
        "spec",
        [
            {"runtime": None},
            {"concurrency": 0},
            {"concurrency": 10_001},
            {"limits": {"timeout": "soon"}},
            {"limits": {"output": "many"}},
            {"dataPoolRules": {"allowed": [""]}},
            {"inputSchema": "text"},
            {"displayName": "x" * 257},
        ],
    )
    async def test_what_is_out_of_bounds_is_refused(
        self, client: KubernetesClient, definitions: ResourceKind, namespace: str, spec
    ):
        with refused("invalid|must"):
            await create(client, definitions, namespace, **spec)

    async def test_a_service_s_status_is_written_apart(
        self, client: KubernetesClient, definitions: ResourceKind, namespace: str
    ):
        await create(client, definitions, namespace)
        condition = {
            "type": "Ready",
            "status": "True",
            "reason": "Valid",
            "message": "",
            "lastTransitionTime": "2026-03-01T12:00:00Z",
        }
        patch: JsonObject = {
            "status": {"observedGeneration": 1, "conditions": [cast("JsonObject", condition)]}
        }
        written = cast(
            "Any", await client.patch(definitions, namespace, "adder", patch, subresource="status")
        )
        assert written["status"]["conditions"][0]["type"] == "Ready"
        assert written["metadata"]["generation"] == 1


Define = Callable[..., Awaitable[Any]]


@pytest.fixture
def define(client: KubernetesClient, definitions: ResourceKind, namespace: str) -> Define:
    """Create the ServiceDefinition "adder" of that spec."""

    async def run(**spec: object) -> Any:
        return await create(client, definitions, namespace, **spec)

    return run


@pytest.fixture
def change(client: KubernetesClient, definitions: ResourceKind, namespace: str) -> Define:
    """Patch what ``define`` has created."""

    async def run(subresource: str | None = None, **patch: JsonObject) -> Any:
        body = cast("JsonObject", patch)
        return await client.patch(definitions, namespace, "adder", body, subresource=subresource)

    return run


class TestWhatIsBuilt:
    @pytest.mark.parametrize("case", BAD_SERVICES, ids=lambda case: case.name)
    async def test_refused_with_its_sentence(self, define: Define, case: BadService):
        with refused(re.escape(f"spec.{case.field}: "), re.escape(case.sentence)):
            await define(**case.spec)

    @pytest.mark.parametrize(
        "spec",
        [
            {"runtime": PYTHON, "source": ARCHIVE},
            {"runtime": PYTHON, "source": git()},
            {"runtime": PYTHON, "source": {**git("ssh://git@git.example.com:2222/a.git"), "subPath": "a/b"}},
            {"runtime": BUILD, "source": git("git@git.example.com:team/a.git", ref="release/1.0")},
            {"runtime": BUILD, "source": git("http://git.example.com/a", ref="0" * 40)},
            {
                "runtime": {"python": {"version": "3.13", "entryPoint": "user_code.app:main"}},
                "source": ARCHIVE,
                "build": {"token": "2026-11", "cancel": "r2", "timeout": "10m"},
                "revision": "r12",
            },
        ],
    )
    async def test_what_can_be_built_is_accepted(self, define: Define, spec):
        written = await define(**spec)
        assert written["spec"] == spec

    async def test_an_image_may_become_a_build_and_back(self, define: Define, change: Define):
        await define()
        built: JsonObject = {"runtime": {"docker": {"image": None, "build": {}}}, "source": ARCHIVE}
        assert (await change(spec=built))["spec"]["runtime"] == BUILD
        image: JsonObject = {"runtime": {"docker": {"image": "a:1", "build": None}}, "source": None}
        assert (await change(spec=image))["spec"] == {"runtime": RUNTIME}

    async def test_a_revision_keeps_the_schemas_of_what_was_built(self, define: Define, change: Define):
        await define(runtime=PYTHON, source=ARCHIVE)
        schema: JsonObject = {"properties": {"n": {"enum": [1.5, "a", None], "$ref": "#/x"}}}
        revision: JsonObject = {
            "name": "r1",
            "key": "k",
            "phase": "Succeeded",
            "imageBytes": 5 * 1024**3,
            "inputSchema": schema,
        }
        status: JsonObject = {"phase": "Ready", "revision": "r1", "lastRevision": 1, "revisions": [revision]}
        kept = (await change("status", status=status))["status"]
        assert kept == {"observedGeneration": -1, **status}

    async def test_a_patch_of_the_status_loses_nulls_in_objects(self, define: Define, change: Define):
        """A merge patch means "absent" by null: who writes the status must not need one there."""
        await define(runtime=PYTHON, source=ARCHIVE)
        revision: JsonObject = {"name": "r1", "key": "k", "phase": "Succeeded", "inputSchema": SCHEMA}
        written = await change("status", status={"revisions": [revision]})
        assert "default" not in written["status"]["revisions"][0]["inputSchema"]["properties"]["data"]

    async def test_a_revision_stands_in_the_status_once(self, define: Define, change: Define):
        await define(runtime=PYTHON, source=ARCHIVE)
        revision: JsonObject = {"name": "r1", "key": "k", "phase": "Building"}
        with refused("Duplicate value"):
            await change("status", status={"revisions": [revision, revision]})
