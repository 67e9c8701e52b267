"""``sx run -i`` and ``sx run --each``, against a cluster in memory."""

import json

import pytest

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.listing import changes
from serviceexecution.cli.run import body, sweep
from serviceexecution.cli.run.properties import check_required, read_properties, with_properties
from serviceexecution.cli.run.schema import Schema
from serviceexecution.cli.run.sweep import read_lines
from serviceexecution.contract.json_types import JsonObject

SCHEMA: JsonObject = {
    "type": "object",
    "required": ["data", "params"],
    "properties": {
        "data": {"type": "array", "items": {"type": "number"}},
        "params": {"$ref": "#/$defs/Params"},
        "picture": {"type": "string", "contentEncoding": "base64"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "readings": {"type": "object", "properties": {"id": {}, "ref": {"const": "DATAPOOL"}}},
        "anything": {},
        "a.b": {"type": "integer"},
    },
    "additionalProperties": False,
    "x-secrets": [{"name": "apiToken"}, {"name": "other", "required": False}],
    "$defs": {
        "Params": {
            "type": "object",
            "required": ["degree"],
            "properties": {
                "degree": {"type": "integer"},
                "scale": {"type": "number"},
                "fast": {"type": "boolean"},
                "mode": {"enum": ["lin", "log", 3]},
                "again": {"$ref": "#/$defs/Params"},
            },
        }
    },
}


def text_of(*options, base="{}", schema=SCHEMA):
    return with_properties(base, read_properties(options, Schema.of(schema)))


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("params.degree=2", '{"params":{"degree":2}}'),
        ("params.scale=1.50", '{"params":{"scale":1.50}}'),
        ("params.fast=true", '{"params":{"fast":true}}'),
        ("params.mode=log", '{"params":{"mode":"log"}}'),
        ("params.mode=3", '{"params":{"mode":3}}'),
        ("params.again.again.degree=-7", '{"params":{"again":{"again":{"degree":-7}}}}'),
        ("data=[1, 2.0]", '{"data":[1, 2.0]}'),
        ("note=null", '{"note":null}'),
        ("note=12", '{"note":"12"}'),
        ("note=a=b=c", '{"note":"a=b=c"}'),
        ("note=@@home", '{"note":"@home"}'),
        ("anything=1", '{"anything":"1"}'),
        ("anything:=1e400", '{"anything":1e400}'),
        ("readings=my-pool", '{"readings":{"id": "my-pool", "ref": "DATAPOOL"}}'),
        ("a.b=1", '{"a.b":1}'),
    ],
)
def test_a_value_gets_the_type_of_its_property(option, text):
    assert text_of(option) == text


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("params.degree=2.5", "-i params.degree: '2.5' is no integer."),
        ("params.fast=yes", "-i params.fast: 'yes' is no boolean (true or false)."),
        ("data=1", "-i data: '1' is no JSON list."),
        ("data=[1,", "-i data: the value is no JSON: "),
        ("params.dgree=2", "-i params.dgree: params has no property of this name, but again, degree, fast,"),
        ("params.dgree=2", "Do you mean degree?"),
        ("other:=1", "-i other: The service has no property"),
        ("data:=NaN", "-i data: the value is no JSON"),
        ("data", "-i must be NAME=VALUE"),
        ("params..degree=1", "a name stands before and after each dot"),
        ("data=@/nowhere/x", "-i data: /nowhere/x cannot be read: No such file or directory."),
    ],
)
def test_what_does_not_fit_is_named(option, sentence):
    with pytest.raises(CommandError) as found:
        text_of(option)
    assert sentence in str(found.value)


def test_files_become_text_json_or_base64(tmp_path):
    (tmp_path / "points.txt").write_text("[1, 2]\n")
    (tmp_path / "note.json").write_text('{"a": "ü"}')
    (tmp_path / "p.png").write_bytes(b"\x89PNG")
    text = text_of(
        f"data=@{tmp_path}/points.txt", f"note=@{tmp_path}/note.json", f"picture=@{tmp_path}/p.png"
    )
    assert json.loads(text) == {"data": [1, 2], "note": '{"a": "ü"}', "picture": "iVBORw=="}
    assert json.loads(text_of(f"anything=@{tmp_path}/note.json")) == {"anything": {"a": "ü"}}
    with pytest.raises(CommandError, match="not UTF-8 text"):
        text_of(f"note=@{tmp_path}/p.png")


def test_the_rest_of_an_input_stays_as_it_was_written():
    assert text_of("params.degree=2", base='{"params": {"scale": 1.0, "degree": 1}, "anything": 1e400}') == (
        '{"params":{"scale":1.0,"degree":2},"anything":1e400}'
    )


def test_without_a_schema_values_are_text():
    assert text_of("a.b=1", "c:=1", schema=None) == '{"a":{"b":"1"},"c":1}'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"params": {"degree": 1}}', "lacks the property data (array): give it with -i data=VALUE."),
        ('{"data": [], "params": {}}', "lacks the property params.degree (integer)"),
    ],
)
def test_what_is_needed_is_asked_for(text, sentence):
    with pytest.raises(CommandError) as found:
        check_required(text, Schema.of(SCHEMA))
    assert sentence in str(found.value)


def test_schemas_that_go_in_a_circle_end():
    schema: JsonObject = {
        "$ref": "#",
        "allOf": [{"$ref": "#"}, {"$ref": "#/none"}, {"$ref": "https://example.com"}],
    }
    assert Schema.of(schema).properties == {}


class TestRun:
    @pytest.fixture
    def service(self, cluster, monkeypatch):
        monkeypatch.setenv("SECRET_API_TOKEN", "from-the-environment")
        cluster.definition("plot", spec={"inputSchema": SCHEMA})
        cluster.after_submit = lambda execution: execution.update(status={"phase": "Succeeded"})
        cluster.files = {"output.json": '{"sum": 6.0}'}
        return cluster

    def bodies(self, cluster):
        return [json.loads(body) for *_, body in cluster.requests("POST", "/services/team-a/plot")]

    def test_properties_secrets_and_all(self, service, sx):
        code, out, err = sx("run", "plot", "-i", "data=[1]", "-i", "params.degree=1", "-q")
        assert (code, out, err) == (0, '{"sum": 6.0}\n', "")
        assert self.bodies(service) == [
            {"data": [1], "params": {"degree": 1}, "$secrets": {"apiToken": "from-the-environment"}}
        ]

    def test_nothing_is_sent_that_cannot_fit(self, service, sx):
        assert sx("run", "plot", "-i", "params.degree=1")[2].startswith(
            "sx: The input lacks the property data"
        )
        assert self.bodies(service) == []

    def test_the_schema_of_what_was_built(self, service, sx):
        service.definition(
            "plot",
            status={"revision": "r2", "revisions": [{"name": "r2", "inputSchema": {"required": ["x"]}}]},
        )
        assert "lacks the property x" in sx("run", "plot", "-i", "y=1")[2]

    def test_for_programs(self, service, sx):
        found = json.loads(sx("run", "plot", "-d", "{}", "-q", "-o", "json")[1])
        assert (found["phase"], found["result"], found["files"]) == ("Succeeded", {"sum": 6.0}, [])
        assert "id" in json.loads(sx("run", "plot", "-d", "{}", "--detach", "-o", "json")[1])

    def test_a_secret_of_the_environment_or_of_a_person(self, monkeypatch):
        monkeypatch.setenv("SECRET_MY_KEY", "v")
        assert body.read_secrets(["myKey"]) == {"myKey": "v"}
        monkeypatch.delenv("SECRET_MY_KEY")
        with pytest.raises(CommandError, match="neither"):
            body.read_secrets(["myKey"])
        for stream in ("stdin", "stderr"):
            monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True, raising=False)
        monkeypatch.setattr("getpass.getpass", lambda *_, **__: "typed")
        assert body.read_secrets(["myKey"]) == {"myKey": "typed"}


class TestEach:
    @pytest.fixture
    def service(self, cluster, monkeypatch):
        monkeypatch.setattr(changes, "PAUSE_SECONDS", 0.02)
        cluster.definition("plot")
        cluster.files = {"output.json": "[1]"}
        cluster.most = 0

        def starts(execution):
            live = [
                item
                for (kind, _, _), item in cluster.api.objects.items()
                if kind == "serviceexecutions" and item["status"]["phase"] == "Pending"
            ]
            cluster.most = max(cluster.most, len(live))
            fails = json.loads(execution["spec"]["body"]).get("x") == 2
            end = {"phase": "Failed", "message": "Boom."} if fails else {"phase": "Succeeded"}
            cluster.snapshots.then.append(lambda: execution.update(status=end))

        cluster.after_submit = starts
        return cluster

    @pytest.fixture
    def inputs(self, tmp_path):
        path = tmp_path / "inputs.jsonl"
        path.write_text("".join(f'{{"x": {number}}}\n\n' for number in range(1, 6)))
        return path

    def test_all_lines_so_many_at_once_and_one_table(self, service, sx, inputs):
        code, out, err = sx("run", "plot", "--each", inputs, "--max", "2", "--tag", "mine")
        assert code == 4
        rows = [line.split() for line in out.splitlines()]
        assert [row[0] for row in rows] == ["LINE", "1", "2", "3", "4", "5"]
        assert [row[2] for row in rows[1:]] == ["Succeeded", "Failed", "Succeeded", "Succeeded", "Succeeded"]
        assert rows[2][-1] == "Boom."
        assert service.most == 2
        assert err.splitlines()[-1] == "5 inputs: 1 failed, 4 succeeded"
        tags = {tuple(json.loads(body)["$tags"]) for *_, body in service.requests("POST", "/services/")}
        assert len(tags) == 1
        assert next(iter(tags))[0] == "mine"

    def test_the_same_command_goes_on(self, service, sx, inputs, monkeypatch):
        ends = service.after_submit

        def leaves(execution):
            ends(execution)
            if service.executions == 3:
                monkeypatch.setattr(sweep.Sweep, "remember", interrupted)

        def interrupted(*_):
            raise KeyboardInterrupt

        remember = sweep.Sweep.remember
        service.after_submit = leaves
        code, _, err = sx("run", "plot", "--each", inputs, "--max", "5")
        assert code == 130
        assert "The same command goes on; sx list --tag sweep-" in err
        monkeypatch.setattr(sweep.Sweep, "remember", remember)
        assert sx("run", "plot", "--each", inputs, "--max", "5")[0] == 4
        keys = [headers["Idempotency-Key"] for _, _, headers, _ in service.requests("POST", "/services/")]
        assert len(keys) == 6  # The third was not remembered: it was sent again with its key
        assert len(set(keys)) == 5
        assert sx("run", "plot", "--each", inputs)[0] == 4
        assert len(service.requests("POST", "/services/")) == 6

    def test_lines_are_known_by_what_they_say(self, service, sx, inputs):
        inputs.write_text('{"x": 7}\n{"x": 8}\n{"x": 7}\n')
        sx("run", "plot", "--each", inputs, "-q")
        inputs.write_text('{"x": 6}\r\n{"x": 8}\r\n{"x": 7}\r\n{"x": 7}\r\n{"x": 7}\r\n')
        _, out, _ = sx("run", "plot", "--each", inputs, "-q")
        assert len(service.requests("POST", "/services/")) == 5
        names = [line.split()[1] for line in out.splitlines()[1:]]
        assert [name[-1] for name in names] == ["4", "2", "1", "3", "5"]

    def test_a_memory_that_ends_within_a_line_goes_on(self, service, sx, inputs):
        memory = inputs.with_name("inputs.jsonl.sweep")
        sx("run", "plot", "--each", inputs, "-q")
        memory.write_text(memory.read_text() + '{"line": 6, "dig')
        inputs.write_text(inputs.read_text() + '{"x": 6}\n')
        sx("run", "plot", "--each", inputs, "-q")
        sx("run", "plot", "--each", inputs, "-q")
        assert len(service.requests("POST", "/services/")) == 6

    def test_again_all_or_what_failed(self, service, sx, inputs):
        sx("run", "plot", "--each", inputs, "-q")
        sx("run", "plot", "--each", inputs, "-q", "--again", "failed")
        assert len(service.requests("POST", "/services/")) == 6
        sx("run", "plot", "--each", inputs, "-q", "--again", "all")
        keys = {headers["Idempotency-Key"] for _, _, headers, _ in service.requests("POST", "/services/")}
        assert len(keys) == 11
        assert sx("run", "plot", "--again", "all")[0] == 2
        assert sx("run", "plot", "--max", "2")[0] == 2

    def test_for_programs_with_results(self, service, sx, inputs):
        found = json.loads(sx("run", "plot", "--each", inputs, "-q", "-o", "json")[1])
        assert [(one["line"], one["phase"], one.get("result")) for one in found][:2] == [
            (1, "Succeeded", [1]),
            (2, "Failed", None),
        ]

    def test_a_refused_input_does_not_stop_the_others(self, service, sx, inputs):
        service.problem = (422, "InputInvalid", "x: must be more")
        code, out, _ = sx("run", "plot", "--each", inputs, "-q")
        assert code == 4
        assert out.count("Refused") == 5
        assert "x: must be more" in out

    def test_a_memory_of_another_service_is_left_alone(self, service, sx, inputs):
        service.definition("other")
        sx("run", "plot", "--each", inputs, "-q")
        assert "remembers a sweep of another service" in sx("run", "other", "--each", inputs)[2]

    def test_a_timeout_leaves_the_rest(self, service, sx, inputs):
        service.after_submit = lambda _: None
        code, out, err = sx("run", "plot", "--each", inputs, "--max", "1", "--timeout", "300ms")
        assert code == 124
        assert out.count("Waiting") >= 4
        assert "1 execution continues in the cluster." in err

    def test_secrets_are_not_remembered(self, service, sx, inputs):
        sx("run", "plot", "--each", inputs, "-q", "--secret", "a=hunter2")
        assert "hunter2" not in inputs.with_name("inputs.jsonl.sweep").read_text()


class TestLines:
    def test_a_table_has_typed_cells(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_text('params.degree,note\n1,"a, b"\n2,\n')
        assert read_lines(path, '{"data": [1.0]}', Schema.of(SCHEMA)) == [
            '{"data":[1.0],"params":{"degree":1},"note":"a, b"}',
            '{"data":[1.0],"params":{"degree":2}}',
        ]

    def test_only_line_feeds_end_a_row(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_text('note\na\u2028b\n"c\nd"\n')
        found = [json.loads(line)["note"] for line in read_lines(path, "{}", Schema.of(SCHEMA))]
        assert found == ["a\u2028b", "c\nd"]

    @pytest.mark.parametrize(
        ("name", "text", "sentence"),
        [
            ("a.jsonl", '{"a": 1}\n[1]\n', "line 2 of"),
            ("a.jsonl", '\r\n{"a": 1,}\r\n', "line 2 of"),
            ("a.jsonl", "\n", "has no inputs"),
            ("a.csv", "params.degree\nx\n", "line 2: -i params.degree: 'x' is no integer."),
            ("a.csv", "params.degree\n1,2\n", "line 2 has not as many cells"),
        ],
    )
    def test_a_line_that_does_not_fit_is_named(self, tmp_path, name, text, sentence):
        (tmp_path / name).write_text(text)
        with pytest.raises(CommandError) as found:
            read_lines(tmp_path / name, "{}", Schema.of(SCHEMA))
        assert sentence in str(found.value)
