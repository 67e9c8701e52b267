import json

import pytest

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.project.project_report import parse_project_report, read_project_report
from serviceexecution.builder.report import BuildReport, leave_word


def project(**fields):
    return json.dumps({"ok": True, "reason": "Succeeded", "message": "", "library": "qhub"} | fields).encode()


def test_a_project_that_can_run():
    found = parse_project_report(project(inputSchema={"type": "object"}, outputSchema=None))

    assert found.input_schema == {"type": "object"}
    assert found.output_schema is None
    assert (found.message, found.library) == ("", "qhub")


@pytest.mark.parametrize(
    "reason",
    [Reason.SYNTAX_ERROR, Reason.ENTRY_POINT_MISSING, Reason.IMPORT_FAILED, Reason.SIGNATURE_INVALID],
)
def test_a_project_that_cannot(reason):
    with pytest.raises(BuildError) as raised:
        parse_project_report(project(ok=False, reason=reason, message="src/program.py:3: it is\n so."))

    assert raised.value.reason is reason
    assert raised.value.message == "src/program.py:3: it is so."


@pytest.mark.parametrize("reason", ["Succeeded", "BuilderFailed", "RegistryUnavailable", 7, None])
def test_a_reason_that_is_not_the_project_s_to_give(reason):
    # such as one that would be tried again, or count as a success
    with pytest.raises(BuildError) as raised:
        parse_project_report(project(ok=False, reason=reason))

    assert raised.value.reason is Reason.IMPORT_FAILED


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"ok": "yes"}', b"[" * 100000, b"\xff"])
def test_what_is_no_report(content):
    with pytest.raises(BuildError) as raised:
        parse_project_report(content)

    assert raised.value.reason is Reason.BUILDER_FAILED


def test_no_report_and_a_huge_one(tmp_path):
    with pytest.raises(BuildError, match="cannot be read"):
        read_project_report(tmp_path / "report.json")
    (tmp_path / "report.json").write_bytes(b" " * (1 << 20) + b"{}")
    with pytest.raises(BuildError, match="larger than 1 MiB"):
        read_project_report(tmp_path / "report.json")


@pytest.mark.parametrize(("name", "most"), [("inputSchema", 32 * 1024), ("outputSchema", 16 * 1024)])
def test_schemas_that_are_too_large_are_left_out(name, most):
    fits = {"description": "x" * (most - len('{"description": ""}'))}
    over = {"description": fits["description"] + "x"}

    kept, dropped = (parse_project_report(project(**{name: schema})) for schema in (fits, over))

    assert fits in (kept.input_schema, kept.output_schema)
    assert (dropped.input_schema, dropped.output_schema) == (None, None)
    assert f"The {name} of run() is larger than {most // 1024} KiB and is left out" in dropped.message


@pytest.mark.parametrize("schema", ["text", ["list"], 7, {"maximum": float("nan")}])
def test_schemas_that_are_none(schema):
    assert parse_project_report(project(inputSchema=schema)).input_schema is None


def succeeded():
    return BuildReport(
        reason=Reason.SUCCEEDED,
        image_digest="sha256:" + "a" * 64,
        image_bytes=7,
        input_schema={"type": "object"},
        seconds={"source": 0.12345},
    )


def test_the_report_of_a_success_holds_its_facts():
    fields = json.loads(succeeded().to_json())

    assert fields["succeeded"] is True
    assert fields["reason"] == "Succeeded"
    assert fields["imageDigest"] == "sha256:" + "a" * 64
    assert (fields["step"], fields["commit"], fields["outputSchema"]) == (None, None, None)
    assert fields["seconds"] == {"source": 0.123}


def test_a_failure_offers_no_image():
    report = succeeded()

    report.fail(BuildError(Reason.STEP_FAILED, "It failed.", "RUN x"))

    fields = json.loads(report.to_json())
    assert fields["succeeded"] is False
    assert (fields["reason"], fields["message"], fields["step"]) == ("StepFailed", "It failed.", "RUN x")
    assert (fields["imageDigest"], fields["imageBytes"], fields["inputSchema"]) == (None, None, None)


@pytest.mark.parametrize("text", ["short", "x" * 9000, "ä€" * 3000, '\n"\\' * 3000])
def test_the_termination_message_fits(tmp_path, text):
    report = succeeded()
    report.fail(BuildError(Reason.STEP_FAILED, text, text))

    leave_word(tmp_path / "log", report)

    content = (tmp_path / "log").read_bytes()
    assert len(content) <= 4000
    assert json.loads(content)["reason"] == "StepFailed"
    assert "inputSchema" not in json.loads(content)


def test_a_termination_message_without_a_place_is_left_out(tmp_path):
    leave_word(tmp_path / "none/log", succeeded())
    assert not list(tmp_path.iterdir())
