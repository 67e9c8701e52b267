"""The Service API of services that are built: the schema that a build has found, and what nothing serves yet."""

import json
from typing import Any

import jsonschema_rs
import pytest

from serviceexecution.contract.main_result import main_result_fault
from serviceexecution.gateway.service_api.description.input_schema import input_body
from serviceexecution.gateway.service_api.documents.result_document import result_document
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.resources.executions.execution_status import ExecutionStatus
from tests.unit.gateway.builds.build_harness import DIGEST, Build
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import ALICE, is_problem

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"data": {"type": "object", "description": "What is summed up."}},
    "required": ["data"],
    "x-secrets": [{"name": "apiToken", "required": True}, {"name": "other", "required": False}],
}
IMAGE = f"sha256:{'cd' * 32}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


PROBLEM = {
    "type": "about:blank",
    "title": "ValueError",
    "status": 500,
    "detail": "No data.",
    "hint": "1.0",
}


class Built(Build):
    """A service whose revision r1 serves, unless said otherwise."""

    def __init__(self, directory, **settings):
        super().__init__(directory, **settings)
        self.http.headers.update(ALICE)
        self.serve()

    def serve(self, **members):
        found = self.revision(phase="Succeeded", imageDigest=IMAGE, inputSchema=SCHEMA, **members)
        self.say(found, revision="r1", image=f"registry/sum@{IMAGE}", conditions=[ready("True", "")])

    def define(self, **spec):
        body = self.cluster.objects[SERVICE_DEFINITIONS.plural, NAMESPACE, SERVICE]
        body["spec"].update(spec)
        self.serve()

    async def post(self, body=None, headers=None, path=""):
        return await self.http.post(self.base + path, json=body, headers=headers)


def ready(status, message):
    return {
        "type": "Ready",
        "status": status,
        "reason": "Building",
        "message": message,
        "lastTransitionTime": "2026-11-26T12:00:00Z",
    }


@pytest.fixture
async def built(tmp_path):
    found = Built(tmp_path)
    yield found
    await found.schemas.close()


class TestInput:
    async def test_an_input_must_fit_the_schema_of_what_serves(self, built):
        assert (
            await built.post({"data": {}, "$secrets": {"apiToken": "x"}, "$tags": ["t"]})
        ).status_code == 201
        answer = await built.post({"data": 1})
        assert is_problem(answer, 422, "InputInvalid")
        assert answer.json()["errors"][0]["path"] == '$["data"]'

    async def test_the_service_s_own_schema_comes_first(self, built):
        built.define(inputSchema={"required": ["other"]})
        assert (await built.post({"other": 1})).status_code == 201
        assert is_problem(await built.post({"data": {}}), 422, "InputInvalid")

    async def test_a_service_that_is_given_as_an_image_has_none(self, built):
        built.define(runtime={"docker": {"image": "busybox"}})
        assert (await built.post({"data": 1})).status_code == 201

    async def test_a_schema_of_a_build_never_stands_in_the_way(self, built):
        for unusable in ({"type": "nonsense"}, {"$ref": "https://example.org/schema"}):
            found = built.revision(phase="Succeeded", inputSchema=unusable)
            built.say(found, revision="r1", conditions=[ready("True", "")])
            assert (await built.post({"data": 1})).status_code == 201

    async def test_one_of_the_service_does(self, built):
        built.define(inputSchema={"type": "nonsense"})
        assert is_problem(await built.post({}), 503, "ServiceNotReady")


class TestReadiness:
    SENTENCE = "The first image is being built. r1: The image is being built."

    async def test_a_service_that_serves_nothing_yet_says_why(self, built):
        built.say(built.revision(), conditions=[ready("False", self.SENTENCE)])
        answer = await built.post({"data": {}})
        assert is_problem(answer, 503, "ServiceNotReady")
        assert answer.json()["detail"].endswith(self.SENTENCE)
        assert answer.headers["retry-after"]

    async def test_nothing_was_said_yet(self, built):
        built.say()
        answer = await built.post({"data": {}})
        assert is_problem(answer, 503, "ServiceNotReady")
        assert answer.json()["detail"].endswith("Its first image has not been built yet.")

    async def test_what_was_said_of_an_older_spec_counts_while_nothing_serves(self, built):
        said = {**ready("False", self.SENTENCE), "observedGeneration": 99}
        built.say(built.revision(), conditions=[said])
        assert self.SENTENCE in (await built.post({"data": {}})).text

    async def test_the_one_before_serves_while_another_is_built_or_has_failed(self, built):
        for phase in ("Building", "Failed"):
            built.say(
                built.revision("r2", phase=phase),
                built.revision(phase="Succeeded", inputSchema=SCHEMA),
                revision="r1",
                conditions=[ready("True", "")],
            )
            assert (await built.post({"data": {}})).status_code == 201

    async def test_the_api_server_is_asked_before_anybody_is_turned_away(self, built):
        body = built.cluster.objects[SERVICE_DEFINITIONS.plural, NAMESPACE, SERVICE]
        served = body["status"]
        built.say(built.revision(), conditions=[ready("False", self.SENTENCE)])
        body["status"] = served  # the watch is late
        assert (await built.post({"data": {}})).status_code == 201
        assert is_problem(await built.post({"data": 1}), 422, "InputInvalid")

    async def test_a_definition_that_was_replaced(self, built):
        built.say(built.revision(), conditions=[ready("False", self.SENTENCE)])
        built.cluster.objects[SERVICE_DEFINITIONS.plural, NAMESPACE, SERVICE]["metadata"]["uid"] = "newer"
        assert is_problem(await built.post({"data": {}}), 503, "ServiceNotReady")

    async def test_a_repeated_request_is_answered_all_the_same(self, built):
        headers = {"Idempotency-Key": "k"}
        first = await built.http.post(built.base, json={"data": {}}, headers=headers)
        built.say(built.revision(), conditions=[ready("False", self.SENTENCE)])
        again = await built.http.post(built.base, json={"data": {}}, headers=headers)
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


class TestOpenApi:
    async def document(self, built):
        return (await built.http.get(f"{built.base}/openapi.json")).json()

    async def test_openapi_says_what_was_built(self, built):
        built.serve(commit=COMMIT)
        info = (await self.document(built))["info"]
        assert info["version"] == "r1"
        assert info["x-build"] == {"revision": "r1", "commit": COMMIT, "imageDigest": IMAGE}
        for part in ("Revision r1", COMMIT, IMAGE):
            assert part in info["description"]

    async def test_an_archive_by_its_digest(self, built):
        built.serve(sourceDigest=f"sha256:{DIGEST}")
        info = (await self.document(built))["info"]
        assert info["x-build"]["sourceDigest"] == f"sha256:{DIGEST}"
        assert DIGEST in info["description"]

    async def test_openapi_has_no_build_while_nothing_serves(self, built):
        built.say(built.revision())
        document = await self.document(built)
        assert "x-build" not in document["info"]
        assert "allOf" not in document["components"]["schemas"]["Input"]

    async def test_schemas_of_the_build(self, built):
        found = built.revision(phase="Succeeded", inputSchema=SCHEMA, outputSchema={"type": "array"})
        built.say(found, revision="r1")
        schemas = (await self.document(built))["components"]["schemas"]
        assert schemas["MainResult"] == {"type": "array"}
        (own,) = schemas["Input"]["allOf"]
        assert own["properties"]["data"]["description"] == "What is summed up."
        secrets = schemas["Input"]["properties"]["$secrets"]["properties"]
        assert secrets["other"] == {"type": "string", "description": "Optional."}
        assert secrets["apiToken"]["description"].startswith("The program needs it")


@pytest.mark.parametrize("closed", [{}, {"additionalProperties": False}, {"unevaluatedProperties": False}])
def test_the_schema_of_the_body_takes_what_the_service_takes(closed):
    own = {
        "type": "object",
        "$defs": {"n": {"type": "number"}},
        "properties": {"a": {"$ref": "#/$defs/n"}},
        **closed,
    }
    validator = jsonschema_rs.Draft202012Validator(input_body(own))
    body: Any
    for body in ({"a": 1}, {"a": 1, "$secrets": {"k": "v"}, "$tags": ["t"]}, {"$secrets": None}, {}):
        assert validator.is_valid(body)
    for body in ({"a": "x"}, {"$secrets": {"k": 1}}, {"$tags": "t"}, [], None):
        assert not validator.is_valid(body)
    assert validator.is_valid({"b": 1}) == (not closed)


@pytest.mark.parametrize("wanted", [None, "x", {}, [1, {}, {"name": 2}, None]])
def test_odd_words_about_secrets_are_left_out(wanted):
    secrets = input_body({"x-secrets": wanted})["properties"]["$secrets"]
    assert "properties" not in secrets


class TestResultsWithoutMembers:
    STATUS = ExecutionStatus(phase="Succeeded", reason="Succeeded")

    def embedded(self, main_result, why=None):
        text = result_document(
            main_result, {"id": "i"}, self.STATUS, "http://g/i", ["output.json"], why_no_text=why
        )
        return json.loads(text)["_embedded"]

    @pytest.mark.parametrize("main_result", ["[1]", '{"a": NaN}', "{'a': 1}"])
    def test_a_success_says_why_its_main_result_has_no_members(self, main_result):
        message = self.embedded(main_result)["message"]
        assert message.startswith("output.json has no members that could stand here: ")
        assert message.endswith(" Read it as a file.")

    @pytest.mark.parametrize("main_result", ["", " \n"])
    def test_an_empty_main_result_is_called_empty_as_in_the_status(self, main_result):
        assert self.embedded(main_result)["message"] == "output.json is empty and therefore no JSON."
        assert "is empty and therefore no JSON." in str(main_result_fault(main_result))

    def test_a_success_says_why_its_main_result_is_not_inline(self):
        assert self.embedded(None, "output.json is not UTF-8: read it as a file.")["message"].startswith(
            "output.json"
        )

    @pytest.mark.parametrize("main_result", [None, "{}", '{"a": 1}'])
    def test_nothing_is_said_where_nothing_is_wrong(self, main_result):
        assert self.embedded(main_result) == {"status": {"id": "i"}}


class TestResultOfFailures:
    """What the launcher, the libraries and programs of other languages leave."""

    STATUS = ExecutionStatus(phase="Failed", reason="OutOfMemory", message="It used more than 64Mi.")

    def document(self, main_result, problem=None, status=STATUS):
        text = result_document(
            main_result, {"id": "i", "status": "FAILED"}, status, "http://g/i", [], problem=problem
        )
        return json.loads(text)

    def is_complete(self, document):
        assert document["_embedded"] == {"status": {"id": "i", "status": "FAILED"}}
        assert document["_links"]["status"] == {"href": "http://g/i"}
        return {name: value for name, value in document.items() if name not in {"_embedded", "_links"}}

    def test_a_problem_as_the_main_result_stands_alone(self):
        found = self.is_complete(self.document(json.dumps(PROBLEM), json.dumps({"title": "never"})))
        assert found == PROBLEM

    def test_a_problem_beside_a_main_result(self):
        found = self.is_complete(self.document('{"energy": 1.0}', json.dumps(PROBLEM)))
        assert found == {**PROBLEM, "energy": 1.0}
        assert '"energy":1.0,' in result_document('{"energy": 1.0}', {}, self.STATUS, "u", [])

    @pytest.mark.parametrize("main_result", [None, "[1]", "NaN", '"text"', "{", "{}"])
    @pytest.mark.parametrize("problem", [None, "[1]", "{", '{"title": "not all members"}'])
    def test_no_problem_at_all(self, main_result, problem):
        assert self.is_complete(self.document(main_result, problem)) == {
            "type": "about:blank",
            "title": "OutOfMemory",
            "status": 500,
            "detail": "It used more than 64Mi.",
            "code": "OutOfMemory",
        }

    def test_members_of_the_program_s_own_are_never_changed(self):
        found = self.is_complete(self.document('{"status": "half done", "title": 1}'))
        assert (found["status"], found["title"]) == ("half done", 1)
        assert found["detail"] == "It used more than 64Mi."

    def test_what_has_not_failed_has_no_problem(self):
        for phase in ("Succeeded", "Cancelled"):
            document = self.document('{"a": 1}', json.dumps(PROBLEM), ExecutionStatus(phase=phase))
            assert self.is_complete(document) == {"a": 1}

    async def test_over_http_with_the_launcher_s_file_beside(self, built):
        name = (await built.post({"data": {}})).json()["id"]
        ref = built.finish(name, "Failed", reason="ProgramFailed", message="Exit code 1.")
        problem = json.dumps(PROBLEM, indent=2).encode()
        await built.keep(ref, {"output.json": b'{"half": 1}', "problem.json": problem})
        body = (await built.http.get(f"{built.base}/{name}/result")).json()
        assert (body["half"], body["title"], body["detail"]) == (1, "ValueError", "No data.")
        assert set(body["_links"]) == {"self", "status", "output.json", "problem.json"}
        assert body["_embedded"]["status"]["status"] == "FAILED"
