"""The CustomResourceDefinition on a real API server: what it takes, what it refuses and with which words.

The definition is installed under a group of its own, so that no operator acts on these objects and no admission
policy answers in its place.
"""

import json
import re
from typing import Any, Final, cast

import pytest

from serviceexecution.contract.input.input_files import INPUT_JSON_LIMIT, parse_input_text
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.resources.crds.definitions import MUTABLE_FIELDS
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.names import API_VERSION, KIND, PLURAL
from tests.cluster.crds import RUNTIME, Executions, executions, kind, refused
from tests.cluster.kubectl import kubectl
from tests.support.seen_statuses import UNSEEN

__all__ = ["executions", "kind"]

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("crd")]

CLAIM: Final[JsonObject] = {"persistentVolumeClaim": {"claimName": "a"}}
POOL: Final[JsonObject] = {"dataPoolRef": {"name": "a"}}
KEY: Final[JsonObject] = {"secretKeyRef": {"name": "a", "key": "b"}}
VALUES: Final[dict[str, tuple[Any, Any]]] = {
    "runtime": (RUNTIME, {"docker": {"image": "a:2"}}),
    "input": ({"a": 1}, {"a": 2}),
    "inputJson": ("{}", "{ }"),
    "inputFrom": ({"configMapRef": {"name": "a"}}, {"configMapRef": {"name": "b"}}),
    "secrets": ({"a": KEY}, {"b": KEY}),
    "dataPools": ({"a": CLAIM}, {"a": {**CLAIM, "readOnly": False}}),
    "output": ({"limit": "1Gi"}, {"limit": "2Gi"}),
    "env": ([{"name": "A", "value": "1"}], [{"name": "A", "value": "2"}]),
    "resources": ({"limits": {"memory": "1Gi"}}, {"limits": {"memory": "2Gi"}}),
    "timeout": ("1h", "2h"),
    "startTimeout": ("1m", "2m"),
    "cancelGrace": ("10s", "20s"),
    "serviceAccountName": ("a", "b"),
    "imagePullSecrets": ([{"name": "a"}], [{"name": "b"}]),
    "nodeSelector": ({"disk": "ssd"}, {"disk": "hdd"}),
    "tolerations": ([{"key": "a"}], [{"key": "b"}]),
    "affinity": ({"nodeAffinity": {"a": 1}}, {"nodeAffinity": {"a": 2}}),
    "priorityClassName": ("a", "b"),
    "runtimeClassName": ("a", "b"),
    "securityContext": ({"runAsUser": 1}, {"runAsUser": 2}),
    "shareProcessNamespace": (True, False),
    "podTemplate": ({"spec": {"hostname": "a"}}, {"spec": {"hostname": "b"}}),
    "queueName": ("a", "b"),
    "resultRetention": ("1h", "2h"),
    "retry": ({"maxAttempts": 2, "onExitCodes": [1]}, {"maxAttempts": 3, "onExitCodes": [1]}),
    "callback": ({"url": "https://a.example"}, {"url": "https://b.example"}),
}
"""Two legal values of every member that may not change."""


def test_the_definition_is_accepted_as_it_is():
    done = kubectl("apply", "--dry-run=server", "--server-side", "--force-conflicts", "-f", "crds/")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr


class TestImmutable:
    def test_every_member_is_tried(self):
        members = {str(field.alias) for field in ExecutionSpec.model_fields.values()}
        assert set(VALUES) == members - MUTABLE_FIELDS - {"serviceRef"}, "that one excludes runtime"

    async def test_no_member_can_be_changed_added_or_removed(self, executions: Executions):
        await executions.create("empty")
        for name, (first, second) in VALUES.items():
            word = "is immutable: an execution runs once; create a new one"
            await executions.create(name.lower(), **{name: first})
            with refused(f"spec.{name}", word):
                await executions.edit(name.lower(), **{name: _whole(first, second)})
            if name != "runtime":
                with refused(f"{name} is immutable"):
                    await executions.edit(name.lower(), **{name: None})
                with refused(f"{name} is immutable"):
                    await executions.edit("empty", **{name: first})

    async def test_a_renamed_member_of_an_opaque_object_is_what_the_schema_cannot_see(self, executions):
        """The API server compares such objects member by member and skips those that the other one lacks.

        Nothing runs otherwise because of it; an admission policy, which sees the whole object, can refuse it.
        """
        await executions.create(input={"a": 1})
        changed = await executions.edit(input={"a": None, "b": 1})
        assert changed["spec"]["input"] == {"b": 1}, "the API server was mended: say so in the docs"

    async def test_tags_time_to_live_and_cancel_may_change(self, executions: Executions):
        await executions.create()
        changed = await executions.edit(tags=["a"], ttlSecondsAfterFinished=5, cancel=True)
        assert changed["spec"]["tags"] == ["a"]
        assert (await executions.edit(tags=None, ttlSecondsAfterFinished=None))["spec"]["cancel"] is True

    @pytest.mark.parametrize("taken_back", [False, None])
    async def test_cancel_cannot_be_taken_back(self, executions: Executions, taken_back):
        await executions.create(cancel=False)
        await executions.edit(cancel=None)
        await executions.edit(cancel=True)
        with refused("cancel cannot be taken back: create a new execution"):
            await executions.edit(cancel=taken_back)


class TestDurations:
    async def test_they_may_be_bare_numbers_of_seconds(self, executions: Executions):
        given: dict[str, Any] = {
            "timeout": 3600,
            "startTimeout": 60,
            "cancelGrace": 0,
            "resultRetention": 86400,
        }
        made = await executions.create("seconds", **given, output={"collectTimeout": 60})
        assert made["spec"]["timeout"] == 3600
        await executions.edit("seconds", tags=["a"])
        with refused("spec.timeout", "is immutable"):
            await executions.edit("seconds", timeout=3601)

    @pytest.mark.parametrize("value", ["soon", -1, 2**31, 1.5, True])
    async def test_what_is_none_is_refused(self, executions: Executions, value):
        with refused("spec.timeout"):
            await executions.create(timeout=value)


def _whole(first: Any, second: Any) -> Any:
    """Return a merge patch that makes ``first`` into ``second``: members that are not in it go."""
    if isinstance(first, dict) and isinstance(second, dict):
        return {**dict.fromkeys(first), **second}
    return second


class TestInput:
    @pytest.mark.parametrize(
        "two", [{"input", "inputJson"}, {"input", "inputFrom"}, {"inputJson", "inputFrom"}]
    )
    async def test_an_input_is_given_once(self, executions: Executions, two):
        with refused("give the input once: as input, as inputJson or as inputFrom"):
            await executions.create(**{name: VALUES[name][0] for name in two})

    @pytest.mark.parametrize("value", [{"a": "b"}, {}, "text", None])
    async def test_secrets_do_not_stand_in_it(self, executions: Executions, value):
        with refused("spec.input"):
            await executions.create(input={"data": 1, "$secrets": value if value is not None else [1]})

    async def test_the_refusal_says_where_secrets_go(self, executions: Executions):
        with refused("secrets must not stand in the input", "spec.secrets"):
            await executions.create(input={"$secrets": {"token": "t0p"}})

    @pytest.mark.parametrize("value", ["text", 1, [1], True])
    async def test_an_input_is_an_object(self, executions: Executions, value):
        with refused("spec.input"):
            await executions.create(input=value)

    async def test_text_comes_back_byte_for_byte(self, executions: Executions):
        parts = {
            "nothing": "null",
            "float": "1.0",
            "large": "12345678901234567890",
            "exponent": "1e3",
            "näme \U0001f600": '{"n": null,  "deep": [1.50, -0.0, "\\u00e9"]}',
            "escaped": '"\\u2028\\/\\ud83d\\ude00"',
        }
        text = "{" + ",\n ".join(f"{json.dumps(k, ensure_ascii=False)}: {v}" for k, v in parts.items())
        filler = INPUT_JSON_LIMIT - len(text.encode()) - len(', "filler": ""}')
        text += ', "filler": "' + "x" * filler + '"}'
        assert len(text.encode()) == INPUT_JSON_LIMIT
        await executions.create(inputJson=text)
        kept = (await executions.read())["spec"]["inputJson"]
        assert kept == text
        split = parse_input_text(kept).properties
        assert {name: split[name] for name in parts} == parts

    async def test_text_that_needs_escaping_fits_too(self, executions: Executions):
        text = json.dumps({"data": '"\n' * 60_000}, ensure_ascii=True)
        assert len(text) < INPUT_JSON_LIMIT
        await executions.create(inputJson=text)
        assert (await executions.read())["spec"]["inputJson"] == text

    async def test_longer_text_is_refused(self, executions: Executions):
        with refused("spec.inputJson", "262144"):
            await executions.create(inputJson='"' + "x" * INPUT_JSON_LIMIT)

    async def test_what_an_object_cannot_keep(self, executions: Executions):
        await executions.create(input={"f": 1.0, "n": None, "deep": {"n": None}})
        kept = (await executions.read())["spec"]["input"]
        assert (kept["f"], type(kept["f"])) == (1, int), "use inputJson where 1.0 matters"


GOOD: Final[tuple[dict[str, Any], ...]] = (
    {"timeout": "1h30m", "startTimeout": "90s", "cancelGrace": "500ms", "output": {"collectTimeout": "3600"}},
    {"timeout": "604800s"},
    {"output": {"limit": 1000}, "resources": {"limits": {"memory": 1, "cpu": "1.5", "a.b/c": "2"}}},
    {"output": {"limit": "1.5Gi"}, "resources": {"requests": {"cpu": "100m", "memory": "1e9"}}},
    {"dataPools": {"a": {**CLAIM, "subPath": "a/b..c/d"}}},
    {"dataPools": {"a": {**POOL, "readOnly": False}}},
    {"secrets": {"ibmToken": KEY, "with space": KEY}},
    {"ttlSecondsAfterFinished": 0, "tags": []},
    {"env": [{"name": "A"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]},
    {"affinity": {"anything": [1, {"x": None}]}, "podTemplate": {"metadata": {"labels": {"a": "b"}}}},
)
BAD: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("say what runs: give either serviceRef or runtime", {"runtime": None}),
    ("spec.runtime.docker", {"runtime": {"docker": None}}),
    ("spec.runtime.docker.image", {"runtime": {"docker": {"image": ""}}}),
    ("spec.runtime.docker.image", {"runtime": {"docker": {"image": "x" * 1025}}}),
    ("spec.runtime.docker.imagePullPolicy", {"runtime": {"docker": {"image": "a", "imagePullPolicy": "No"}}}),
    ("spec.runtime.docker.args", {"runtime": {"docker": {"image": "a", "args": "one text"}}}),
    ("spec.timeout", {"timeout": "1 hour"}),
    ("spec.timeout", {"timeout": "-1s"}),
    ("spec.timeout", {"timeout": "1.5h"}),
    ("spec.timeout", {"timeout": ""}),
    ("spec.timeout", {"timeout": 1.5}),
    ("spec.timeout", {"timeout": -1}),
    ("spec.startTimeout", {"startTimeout": "soon"}),
    ("spec.cancelGrace", {"cancelGrace": "1d"}),
    ("spec.output.collectTimeout", {"output": {"collectTimeout": "h"}}),
    ("spec.output.limit", {"output": {"limit": "10 GiB"}}),
    ("spec.resources.limits", {"resources": {"limits": {"memory": "much"}}}),
    ("spec.dataPools[a].subPath", {"dataPools": {"a": {**CLAIM, "subPath": "a/../b"}}}),
    ("spec.dataPools[a].subPath", {"dataPools": {"a": {**CLAIM, "subPath": "/a"}}}),
    ("give either persistentVolumeClaim or dataPoolRef", {"dataPools": {"a": {}}}),
    ("give either persistentVolumeClaim or dataPoolRef", {"dataPools": {"a": {**CLAIM, **POOL}}}),
    ("subPath is for a persistentVolumeClaim", {"dataPools": {"a": {**POOL, "subPath": "a"}}}),
    ("spec.dataPools[a].dataPoolRef.name", {"dataPools": {"a": {"dataPoolRef": {"name": "A_b"}}}}),
    ("spec.secrets.a.secretKeyRef.key", {"secrets": {"a": {"secretKeyRef": {"name": "b"}}}}),
    ("spec.secrets", {"secrets": {f"s{number}": KEY for number in range(65)}}),
    ("spec.env", {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}),
    ("spec.env", {"env": [{"name": f"A{number}"} for number in range(257)]}),
    ("spec.ttlSecondsAfterFinished", {"ttlSecondsAfterFinished": -1}),
    ("spec.ttlSecondsAfterFinished", {"ttlSecondsAfterFinished": "1h"}),
    ("spec.securityContext.runAsUser", {"securityContext": {"runAsUser": -1}}),
    ("spec.tags", {"tags": ["x" * 257]}),
    ("spec.queueName", {"queueName": ""}),
    ("spec.cancel", {"cancel": "true"}),
)


async def test_what_is_legal_is_taken_and_kept(executions: Executions):
    for number, spec in enumerate(GOOD):
        await executions.create(f"good-{number}", **spec)
        kept = await executions.read(f"good-{number}")
        assert kept["spec"] == {"runtime": RUNTIME, **spec}


async def test_what_is_not_is_refused_and_its_place_named(executions: Executions):
    for place, spec in BAD:
        with refused(re.escape(place)):
            await executions.create(**spec)
    assert await executions.read() is None


async def test_unknown_members_are_dropped(executions: Executions):
    await executions.create(
        unknown=1, runtime={"docker": {"image": "a:1", "tag": "2"}}, output={"limit": "1Gi", "size": 3}
    )
    kept = (await executions.read())["spec"]
    assert kept == {"runtime": RUNTIME, "output": {"limit": "1Gi"}}


class TestStatus:
    async def test_a_status_is_written_by_its_own_endpoint_only(self, executions: Executions):
        created = await executions.create(status={"phase": "Succeeded"})
        assert created["status"] == UNSEEN
        assert (await executions.read())["status"] == UNSEEN
        said = await executions.say(phase="Running", unknown=True, result={"files": [], "secret": 1})
        assert said["status"] == {**UNSEEN, "phase": "Running", "result": {"files": []}}
        assert said["metadata"]["generation"] == created["metadata"]["generation"]

    async def test_a_status_takes_only_known_phases(self, executions: Executions):
        await executions.create()
        with refused("status.phase"):
            await executions.say(phase="Done")

    async def test_phases_can_be_selected(self, executions: Executions, client: KubernetesClient):
        for name, phase in (("one", "Running"), ("two", "Failed"), ("three", "Running")):
            await executions.create(name)
            await executions.say(name, phase=phase)
        await executions.create("new")
        found = await client.list(
            executions.kind, executions.namespace, field_selector="status.phase=Running"
        )
        names = sorted(item["metadata"]["name"] for item in cast("Any", found.items))
        assert names == ["one", "three"]

    async def test_kubectl_prints_the_columns_of_an_execution(self, executions: Executions):
        await executions.create()
        await executions.say(
            phase="Failed",
            reason="Timeout",
            message="Too long.",
            startTime="2026-03-01T12:00:00Z",
            duration="2h",
        )
        resource = f"{PLURAL}.{executions.kind.group}"
        header, line = (
            await _kubectl("get", resource, "-n", executions.namespace, "-o", "wide")
        ).splitlines()
        assert header.split() == [
            *("NAME", "PHASE", "REASON", "SERVICE", "STARTED", "DURATION", "AGE", "MESSAGE")
        ]
        assert line.split()[:3] == ["sum", "Failed", "Timeout"]
        assert line.endswith("Too long.")
        selected = await _kubectl(
            "get",
            resource,
            "-n",
            executions.namespace,
            "--field-selector",
            "status.phase=Failed",
            "-o",
            "name",
        )
        assert selected.strip() == f"{KIND.lower()}.{executions.kind.group}/sum"

    async def test_kubectl_explains_the_fields(self, executions: Executions):
        text = await _kubectl(
            "explain", f"{PLURAL}.spec.timeout", f"--api-version={executions.kind.group}/{API_VERSION}"
        )
        assert "How long the program may run" in text


async def _kubectl(*arguments: str) -> str:
    done = kubectl(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout
