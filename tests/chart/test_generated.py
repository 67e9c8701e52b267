"""The generator says what is stale and what is wrong with its sources; tests/checks runs it on the whole tree."""

import pytest
import yaml

from tests.chart.conftest import of_kind
from tools import ROOT, generate
from tools.chart.values import ValuesError, parse_values
from tools.chart.values_schema import values_schema
from tools.chart.values_table import BEGIN, END, replace_table
from tools.errors import GenerationError
from tools.pages.samples_index import samples_index


def test_check_names_the_stale_file(monkeypatch, capsys):
    monkeypatch.setattr(generate, "generated_files", lambda: {"crds/new.yaml": "kind: New\n"})
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err.startswith("crds/new.yaml is stale: run python -m tools.generate")
    assert not (ROOT / "crds" / "new.yaml").exists()


def test_missing_helm_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert generate.main(["--check"]) == 2
    assert capsys.readouterr().err.startswith("helm is not in PATH")


def test_install_manifest_does_not_claim_helm():
    text = (ROOT / "manifests" / "install.yaml").read_text()
    assert "Helm" not in text.partition("\n")[2].replace("Helm, or", "")
    manifests = list(yaml.safe_load_all(text))
    namespaced = [m for m in manifests if "namespace" in m["metadata"]]
    assert {m["metadata"]["namespace"] for m in namespaced} == {"serviceexecution-system"}
    assert of_kind(manifests, "Pod") == []


def test_descriptions_continue_and_sections_nest():
    values = parse_values("a:\n  # -- One\n  # two.\n  # @schema {minimum: 1}\n  b: 3\n")
    (section,) = values
    (leaf,) = section.children
    assert (leaf.path, leaf.default, leaf.description, leaf.rules) == ("a.b", 3, "One two.", {"minimum": 1})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\n", "a has no description"),
        ("# -- A\n# @schema {x\na: 1\n", "a: '# @schema' is not YAML"),
        ("# -- A\n# @schema [x]\na: 1\n", "a: '# @schema' must be a mapping"),
        ("[]", "must be a mapping"),
    ],
)
def test_bad_comments_are_refused(text, sentence):
    with pytest.raises(ValuesError, match=sentence):
        parse_values(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("# -- A\na: {}\n", "a: say by '# @schema' what its members may be"),
        ("# -- A\na: []\n", "a: say by '# @schema' what its members may be"),
        ("# -- A\na: null\n", "a: null says no type"),
        ("# -- A\n# @schema {shape: nothing}\na: {}\n", "a: the shape 'nothing' is unknown"),
    ],
)
def test_values_that_accept_anything_are_refused(text, sentence):
    with pytest.raises(GenerationError, match=sentence):
        values_schema(parse_values(text))


def test_table_escapes_bars_and_keeps_the_rest():
    values = parse_values("# -- One | two\na: x|y\n")
    readme = replace_table(f"before\n{BEGIN}\nold\n{END}\nafter\n", values)
    assert readme.startswith("before\n")
    assert readme.endswith(f"{END}\nafter\n")
    assert '| `a` | `"x\\|y"` | One \\| two |' in readme
    assert "old" not in readme


def test_readme_without_markers_is_refused():
    with pytest.raises(GenerationError, match="lacks the lines"):
        replace_table("no markers", ())


def test_index_takes_the_first_sentence():
    one = "# It shows a\n# thing:\n#\n#   command\nkind: A\n"
    two = "# See it: a.b is new. More.\nkind: B\n"
    text = samples_index({"one": one, "two": two})
    assert "| [one](one.yaml) | It shows a thing. |\n| [two](two.yaml) | See it: a.b is new. |\n" in text


def test_sample_without_comment_is_refused():
    with pytest.raises(GenerationError, match="begin with a comment"):
        samples_index({"bare": "kind: A\n"})
