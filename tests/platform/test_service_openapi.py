"""``qhub-api`` 3.3.0, unmodified: the OpenAPI text of a service, whose schemas inputs and results are checked by."""

import json

import pytest

from serviceexecution.resources.names import LABEL_MANAGED_SERVICE
from tests.platform.platform_client import UNKNOWN, refused
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE

PACKAGE = "qhub-service"
TEXT = """
openapi: 3.0.3
paths:
  /:
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [shots, $secrets]
              properties:
                shots: {type: integer, nullable: true, const: null, example: 3}
                $secrets: {type: object}
  /{id}/result:
    get:
      responses:
        200: {content: {application/json: {schema: {type: object, required: [sum, _links]}}}}
"""
INPUT = {
    "type": "object",
    "required": ["shots"],
    "properties": {"shots": {"type": ["integer", "null"], "const": None}},
}


def spec(platform):
    return platform.service.cluster.objects["servicedefinitions", NAMESPACE, SERVICE]["spec"]


def manage(platform, **fields):
    """Make the service one that this API may change; a field of its spec may be given."""

    async def write():
        body = platform.service.cluster.objects["servicedefinitions", NAMESPACE, SERVICE]
        body["metadata"]["labels"] = {LABEL_MANAGED_SERVICE: "true"}
        body["spec"] |= fields
        platform.service.state.note_definition(body)

    platform.gateway.run(write())


@pytest.fixture
def managed(platform):
    manage(platform)
    return platform


@pytest.mark.parametrize("form", ["bytes", "named", "JSON"])
def test_inputs_are_checked_by_the_text_from_then_on(managed, form):
    json_text = json.dumps(
        {"paths": {"/": {"post": {"requestBody": {"content": {"application/json": {"schema": INPUT}}}}}}}
    ).encode()
    file = {"bytes": TEXT.encode(), "named": ("openapi-spec.yml", TEXT.encode()), "JSON": json_text}[form]
    assert managed.client.services.update_service_open_api(managed.service_id, file=file) is None
    assert spec(managed)["inputSchema"] == INPUT  # Null too, which a merge patch would take for nothing
    assert "outputSchema" not in spec(managed)  # It would make runs fail
    create = managed.client.service_jobs.create_service_job
    refused("BadRequestError", create, service_id=managed.service_id, input={"shots": 3}, code="InputInvalid")
    create(service_id=managed.service_id, input={"shots": None})


def test_a_new_text_takes_the_place_of_the_old_one(managed):
    manage(managed, inputSchema={"type": "object", "properties": {"old": {}}, "required": ["old"]})
    managed.client.services.update_service_open_api(managed.service_id, file=TEXT.encode())
    assert spec(managed)["inputSchema"] == INPUT


def test_the_schema_of_results_is_taken_when_it_is_asked_for(managed):
    more = {"additional_query_parameters": {"outputSchema": "true"}}
    update = managed.client.services.update_service_open_api
    update(managed.service_id, file=TEXT.encode(), request_options=more)
    assert spec(managed)["outputSchema"] == {"type": "object", "required": ["sum"]}
    text = TEXT.partition("  /{id}/result:")[0].encode()
    body = refused("BadRequestError", update, managed.service_id, file=text, request_options=more)
    assert "ends in /result" in body["detail"]


def test_the_text_that_is_shown_can_be_sent_back(managed):
    """Somebody fetches it, changes a word, and sends it."""
    manage(managed, inputSchema={**INPUT, "additionalProperties": False})
    services, uid = managed.client.services, managed.service_id
    services.update_service_open_api(uid, file=services.get_service_open_api(uid).encode())
    create = managed.client.service_jobs.create_service_job
    create(service_id=uid, input={"shots": None, "$tags": ["a"]})
    refused("BadRequestError", create, service_id=uid, input={"shots": 3}, code="InputInvalid")
    first = services.get_service_open_api(uid)
    services.update_service_open_api(uid, file=first.encode())
    assert services.get_service_open_api(uid) == first  # It does not grow


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no OpenAPI text"),
        (b"a: [", "no YAML"),
        (b"[" * 5_000, "nested too deeply"),
        (b'{"a":' * 20_000, "nested too deeply"),
        (b"paths: {}", "no POST"),
        (TEXT.replace("integer", "nonsense").encode(), 'schema["properties"]["shots"]'),
        (TEXT.replace("type: integer", "$ref: http://127.0.0.1:9/x").encode(), "is not there"),
        (TEXT.replace("const: null", "pattern: '(a)\\1'").encode(), 'is not a "regex"'),
        (TEXT.replace("const: null", "maximum: .nan").encode(), "cannot be used"),
        (TEXT.replace("const: null", f"description: {'x' * 70_000}").encode(), "the most is 65,536"),
    ],
    ids=["empty", "yaml", "deep", "deep-json", "no-post", "type", "reference", "pattern", "nan", "large"],
)
def test_a_text_that_cannot_be_used_changes_nothing(sync, text, said):
    manage(sync)
    update = sync.client.services.update_service_open_api
    body = refused("BadRequestError", update, sync.service_id, file=text, code="InvalidOpenApi")
    assert said in body["detail"]
    assert "inputSchema" not in spec(sync)


def test_a_text_that_costs_too_much_is_given_up(sync):
    """Its members double with each line: the process that reads it has bounds of time and memory."""
    manage(sync)
    lines = ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}" for n in range(1, 40))]
    schema = "paths: {/: {post: {requestBody: {content: {application/json: {schema: *a39}}}}}}"
    update = sync.client.services.update_service_open_api
    body = refused("BadRequestError", update, sync.service_id, file="\n".join([*lines, schema]).encode())
    assert "too large or nested too deeply" in body["detail"]


def test_a_text_above_the_limit_is_a_typed_413(sync):
    manage(sync)
    update = sync.client.services.update_service_open_api
    for size in (512 * 1024 + 1, 700 * 1024):
        body = refused("ContentTooLargeError", update, sync.service_id, file=b"#" * size)
        assert (body["code"], body["limit"]) == ("OpenApiTooLarge", 512 * 1024)


def test_what_inputs_a_service_takes_that_was_not_made_here_is_not_changed(sync):
    update = sync.client.services.update_service_open_api
    refused("ForbiddenError", update, sync.service_id, file=TEXT.encode(), code="NotManaged")
    assert "inputSchema" not in spec(sync)


def test_the_call_needs_the_right_to_change_the_service(sync):
    manage(sync)
    sync.service.cluster.allowed = lambda question: question["verb"] != "patch"
    update = sync.client.services.update_service_open_api
    assert (
        "patch servicedefinitions" in refused("ForbiddenError", update, sync.service_id, file=b"")["detail"]
    )
    sync.service.cluster.allowed = lambda _: True
    refused("NotFoundError", update, UNKNOWN, file=TEXT.encode())
