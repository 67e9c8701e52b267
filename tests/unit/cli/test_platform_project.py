"""Projects of the platform: its files beside or in place of sx.yaml, and its starters' layouts as they are."""

import json

import pytest

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.pack.select import select
from serviceexecution.cli.project.plan import RuntimeKind, make_plan, manifest
from serviceexecution.cli.project.platform_openapi import OpenApiFile
from serviceexecution.cli.project.whole import read_project

PLANQK = {
    "name": "My Service",
    "description": "Adds.",
    "resources": {"cpu": 0.5, "memory": 2, "gpu": {"type": "NVIDIA_TESLA_T4", "count": 1}},
    "runtime": "PYTHON_TEMPLATE",
    "serviceId": "99487f0b-21f0-4256-8335-5179d416dbb4",
}
OPENAPI = """
openapi: 3.0.3
paths:
  /:
    get: {responses: {}}
    post:
      requestBody:
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Body"}
  /{id}:
    get: {}
components:
  schemas:
    Body:
      type: object
      required: [data, $secrets]
      properties:
        data: {$ref: "#/components/schemas/Data"}
        example: {type: integer, nullable: true, minimum: 0, exclusiveMinimum: true, example: 3}
        $secrets: {type: object}
    Data:
      type: object
      properties:
        next: {$ref: "#/components/schemas/Data"}
"""

RESULT = """
  /{{id}}/result:
    get:
      responses:
        404: {{description: none}}
        {code}:
          content:
            application/json:
              schema:
                type: object
                required: [sum, _links]
                properties:
                  sum: {{$ref: "#/components/schemas/Data"}}
                  _links: {{type: object}}
                  _embedded: {{type: object}}
  /{{id}}:"""


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "project"
    found.mkdir()
    return found


def fill(folder, *paths, **texts):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    for name, text in texts.items():
        (folder / name.replace("__", ".").replace("_", "-")).write_text(text)


def plan_of(folder, **more):
    whole = read_project(folder)
    return make_plan(folder, whole.file, convention=whole.runtime, **more), whole


@pytest.mark.parametrize("name", ["planqk.json", "qhub.json"])
def test_the_platforms_file_says_name_runtime_and_resources(folder, name):
    fill(folder, "src/program.py", "Dockerfile")
    (folder / name).write_text(json.dumps(PLANQK))
    plan, whole = plan_of(folder)
    assert (plan.name, plan.kind) == ("my-service", RuntimeKind.PYTHON)
    spec = manifest(plan, "team-a", digest="0")["spec"]
    assert (spec["displayName"], spec["description"]) == ("My Service", "Adds.")
    quantities = {"cpu": "500m", "memory": "2000M"}
    assert spec["resources"] == {"requests": quantities, "limits": quantities}
    assert whole.said == (
        f"{name} says: name my-service, description, runtime python, 500m of cpu, 2000M of memory.",
        f"Not taken from {name}: resources.gpu (say it in spec.resources of sx.yaml), serviceId.",
    )


def test_sx_yaml_and_options_count_first(folder):
    fill(folder, "src/program.py", "Dockerfile", planqk__json=json.dumps(PLANQK))
    (folder / "sx.yaml").write_text(
        "metadata: {name: mine}\nspec: {runtime: {docker: {}}, resources: {limits: {memory: 8Gi}}}"
    )
    plan, _ = plan_of(folder)
    assert (plan.name, plan.kind) == ("mine", RuntimeKind.DOCKER)
    spec = manifest(plan, "team-a", digest="0")["spec"]
    assert spec["resources"] == {
        "requests": {"cpu": "500m", "memory": "2000M"},
        "limits": {"cpu": "500m", "memory": "8Gi"},
    }
    (folder / "sx.yaml").unlink()
    assert plan_of(folder, name="other", runtime="docker")[0].kind is RuntimeKind.DOCKER


def test_the_newer_of_both_files_counts(folder):
    fill(folder, "src/program.py", planqk__json=json.dumps(PLANQK), qhub__json='{"name": "newer"}')
    plan, whole = plan_of(folder)
    assert plan.name == "newer"
    assert whole.said[-1] == "planqk.json is not read, as there is qhub.json."


def test_a_description_may_be_a_file_of_the_project(folder):
    fill(folder, "src/program.py", planqk__json='{"name": "a", "descriptionFile": "README.md"}')
    (folder / "README.md").write_text("# What it does\n" + "x" * 20_000)
    description = read_project(folder).file.spec["description"]
    assert isinstance(description, str)
    assert description.startswith("# What it does")
    assert len(description) == 8192


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "planqk.json is no JSON"),
        ("[" * 30_000, "planqk.json is no JSON"),
        ("[]", "must hold an object"),
        ("x" * 70_000, "more than 64 KiB"),
        ('{"runtime": "WORKFLOW"}', "runtime must be PYTHON_TEMPLATE or DOCKER, not 'WORKFLOW'"),
        ('{"name": 3}', "name must be a text"),
        ('{"name": "!!"}', "gives no name"),
        ('{"resources": []}', "resources must hold fields"),
        ('{"resources": {"cpu": "2"}}', "resources.cpu must be a number of cores"),
        ('{"resources": {"cpu": true}}', "resources.cpu must be a number of cores"),
        ('{"resources": {"memory": -1}}', "resources.memory must be a number of gigabytes"),
        ('{"resources": {"memory": 1e300}}', "resources.memory must be a number of gigabytes"),
        ('{"resources": {"cpu": NaN}}', "resources.cpu must be a number of cores"),
        ('{"descriptionFile": "../secret"}', "descriptionFile must be a file of the project"),
        ('{"descriptionFile": "missing.md"}', "cannot be read"),
    ],
)
def test_a_broken_file_is_an_error_that_says_what_is_wrong(folder, text, said):
    fill(folder, "src/program.py", planqk__json=text)
    with pytest.raises(CommandError, match=said):
        read_project(folder)


@pytest.mark.parametrize(
    ("dockerfile", "kind"),
    [
        ("FROM ghcr.io/planqk/job-template:latest-base-1.0.0\n", RuntimeKind.PYTHON),
        ("from --platform=linux/amd64 ghcr.io/planqk/job-template\n", RuntimeKind.PYTHON),
        ("FROM python:3.11\n", None),
    ],
)
def test_the_platforms_convention_tells_an_old_python_starter(folder, dockerfile, kind):
    fill(folder, "src/__init__.py", "src/program.py", "environment.yml", Dockerfile=dockerfile)
    if kind is None:
        with pytest.raises(CommandError, match="choose one with --runtime"):
            plan_of(folder)
    else:
        assert plan_of(folder)[0].kind is kind


def test_a_runtime_without_its_file_is_an_error(folder):
    fill(folder, "src/program.py", qhub__json='{"runtime": "DOCKER"}')
    with pytest.raises(CommandError, match="said to be a docker project, but there is no Dockerfile"):
        plan_of(folder)


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (
            [
                "src/__init__.py",
                "src/program.py",
                "requirements.txt",
                "planqk.json",
                "README.md",
                "input/data.json",
            ],
            RuntimeKind.PYTHON,
        ),
        (
            [
                "src/program.py",
                "src/libs/a.py",
                "pyproject.toml",
                "uv.lock",
                "qhub.json",
                "openapi/spec.json",
            ],
            RuntimeKind.PYTHON,
        ),
        (["Dockerfile", "starter/program.py", "starter/__init__.py", "planqk.json"], RuntimeKind.DOCKER),
        (["Dockerfile", "package.json", "src/index.js", "planqk.json"], RuntimeKind.DOCKER),
    ],
)
def test_starters_are_packed_as_they_are(folder, files, kind):
    fill(folder, *files)
    for name in ("planqk.json", "qhub.json"):
        if name in files:
            said = "PYTHON_TEMPLATE" if kind is RuntimeKind.PYTHON else "DOCKER"
            (folder / name).write_text(json.dumps({"name": "starter", "runtime": said}))
    plan, _ = plan_of(folder)
    assert (plan.kind, plan.name) == (kind, "starter")
    packed = {str(file.path) for file in select(folder, dockerfile=plan.dockerfile).files}
    assert packed == set(files)


class TestOpenApi:
    def test_what_is_posted_becomes_the_inputs_schema(self, folder):
        fill(folder, "src/program.py")
        (folder / "openapi-spec.yml").write_text(OPENAPI)
        whole = read_project(folder)
        assert whole.file.spec["inputSchema"] == {
            "type": "object",
            "required": ["data"],
            "properties": {
                "data": {"$ref": "#/$defs/Data"},
                "example": {"type": ["integer", "null"], "exclusiveMinimum": 0},
            },
            "$defs": {"Data": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Data"}}}},
        }
        assert "openapi-spec.yml: inputs are checked by its schema" in whole.said[0]
        (folder / "sx.yaml").write_text("spec: {inputSchema: {type: object}}")
        assert read_project(folder).file.spec["inputSchema"] == {"type": "object"}

    @pytest.mark.parametrize("kind", ["{type: string, enum: [datapool]}", "{const: datapool}"])
    def test_a_data_pool_may_be_written_as_the_clients_send_it(self, folder, kind):
        pool = f"{{type: object, properties: {{id: {{type: string}}, ref: {kind}}}, required: [id, ref]}}"
        schema = f"{{type: object, properties: {{readings: {pool}}}}}"
        body = f"{{content: {{application/json: {{schema: {schema}}}}}}}"
        found = OpenApiFile(
            "openapi-spec.yml", f"paths: {{/: {{post: {{requestBody: {body}}}}}}}".encode()
        ).input_schema()
        reference = found["properties"]["readings"]["properties"]["ref"]
        assert reference["enum"] == ["datapool", "DATAPOOL"]
        assert "const" not in reference

    @pytest.mark.parametrize("code", ["200", "'200'"])
    def test_the_result_s_schema_is_taken_when_it_is_asked_for(self, folder, code):
        fill(folder, "src/program.py")
        (folder / "openapi-spec.yml").write_text(OPENAPI.replace("  /{id}:", RESULT.format(code=code)))
        assert "outputSchema" not in read_project(folder).file.spec
        whole = read_project(folder, with_output_schema=True)
        assert whole.file.spec["outputSchema"] == {
            "type": "object",
            "required": ["sum"],
            "properties": {"sum": {"$ref": "#/$defs/Data"}},
            "$defs": {"Data": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Data"}}}},
        }
        assert "inputSchema" in whole.file.spec
        assert "a run whose result does not fit fails" in whole.said[-1]
        (folder / "sx.yaml").write_text("spec: {outputSchema: {type: object}}")
        assert read_project(folder, with_output_schema=True).file.spec["outputSchema"] == {"type": "object"}

    @pytest.mark.parametrize(
        "text", [None, OPENAPI, OPENAPI.replace("/{id}:", "/{id}/result:"), "paths: {/result: {get: 3}}"]
    )
    def test_a_result_s_schema_that_is_asked_for_and_not_there_is_an_error(self, folder, text):
        fill(folder, "src/program.py")
        if text is not None:
            (folder / "openapi-spec.yml").write_text(text)
        with pytest.raises(CommandError, match=r"--output-schema: there is no openapi-spec\.yml"):
            read_project(folder, with_output_schema=True)

    @pytest.mark.parametrize(
        "text", ["paths: {}", "paths: {/: {get: {}}}", "paths: {/: {post: {requestBody: {}}}}"]
    )
    def test_a_text_without_one_gives_none(self, text):
        assert OpenApiFile("openapi-spec.yml", text.encode()).input_schema() is None

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (b"{", "is no YAML"),
            (b"\xff\xfe\x00", "is no YAML"),
            (b"a: b", "it has no paths"),
            (OPENAPI.replace("    Data:", "    Other:").encode(), "#/components/schemas/Data is not there"),
            (
                OPENAPI.replace('"#/components/schemas/Data"', '"other.yaml#/a"').encode(),
                "other.yaml#/a is not there",
            ),
        ],
    )
    def test_a_broken_text_is_an_error(self, text, said):
        with pytest.raises(CommandError, match=said):
            OpenApiFile("openapi-spec.yml", text).input_schema()

    def test_components_that_name_each_other_are_kept_as_they_are(self):
        text = OPENAPI.replace(
            "    Data:",
            "    A: {$ref: '#/components/schemas/B'}\n    B: {$ref: '#/components/schemas/A'}\n    Data:",
        )
        text = text.replace(
            'schema: {$ref: "#/components/schemas/Body"}', 'schema: {$ref: "#/components/schemas/A"}'
        )
        schema = OpenApiFile("openapi-spec.yml", text.encode()).input_schema()
        assert schema is not None
        defs = schema["$defs"]
        assert isinstance(defs, dict)
        assert set(defs) == {"A", "B"}

    def test_a_text_that_grows_is_refused(self):
        lines = [f"      a0: &a0 {{enum: [{', '.join('1' for _ in range(9))}]}}"]
        lines += [
            f"      a{number}: &a{number} {{anyOf: [{', '.join([f'*a{number - 1}'] * 9)}]}}"
            for number in range(1, 9)
        ]
        schema = "{$ref: '#/components/schemas/a8'}"
        text = f"paths: {{/: {{post: {{requestBody: {{content: {{application/json: {{schema: {schema}}}}}}}}}}}}}"
        text += "\ncomponents:\n    schemas:\n" + "\n".join(lines)
        with pytest.raises(CommandError, match="too large"):
            OpenApiFile("openapi-spec.yml", text.encode()).input_schema()
