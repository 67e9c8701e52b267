"""What of the input arrives in the container."""

import json
from typing import cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import member
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox, program

COPY = """
import os, pathlib, shutil
for source, target in (('/var/runtime/input', 'runtime'), ('/var/input', 'older')):
    folder = pathlib.Path('/var/runtime/output', target)
    folder.mkdir()
    for file in sorted(pathlib.Path(source).glob('*.json')):
        (folder / file.name).write_bytes(file.read_bytes())
"""
"""Copies the input to the output: both places, byte for byte, regular files as the libraries see them."""

EXACT = {
    "nothing": "null",
    "one": "1.0",
    "large": "12345678901234567890",
    "power": "1e3",
    "text": '"Grüße \\u00fc \\ud83d\\ude80 / \\/"',
    "größe": '{ "b" : 1,  "a":[ 1,2 ,3 ] , "b2":-0.0 }',
    "y": "false",
    "with space": "[]",
    "$special-name_1": '{"nested":{"null":null,"digits":1.10}}',
}
"""Values that a Kubernetes object, YAML or a JSON library would change."""


def test_input_json_arrives_byte_for_byte(sandbox: Sandbox, gateway: Gateway) -> None:
    text = "{" + " ,\n ".join(f"{json.dumps(name)} :\t{value}" for name, value in EXACT.items()) + "}"
    sandbox.succeed({"runtime": program(COPY), "inputJson": text})
    assert_arrived(sandbox, gateway, EXACT)


@pytest.mark.parametrize("immutable", [False, True])
def test_input_from_arrives_byte_for_byte(sandbox: Sandbox, gateway: Gateway, *, immutable: bool) -> None:
    legal = {"nothing": "null", "one": " 1.0\n", "large": "12345678901234567890", "y": '{"a" :1e3}'}
    sandbox.config_map("given", {**legal, "data.json": "[1.0,  2]"}, immutable=immutable)
    sandbox.succeed({"runtime": program(COPY), "inputFrom": {"configMapRef": {"name": "given"}}})
    assert_arrived(sandbox, gateway, {**legal, "data": "[1.0,  2]"})


def test_input_from_of_a_megabyte(sandbox: Sandbox, gateway: Gateway) -> None:
    value = json.dumps("x" * 999_000)
    sandbox.config_map("given", {"data": value}, immutable=True)
    sandbox.succeed({"runtime": program(COPY), "inputFrom": {"configMapRef": {"name": "given"}}})
    assert_arrived(sandbox, gateway, {"data": value})


def test_inline_input_arrives_as_json(sandbox: Sandbox, gateway: Gateway) -> None:
    given: JsonObject = {"data": {"values": [1, 2.5, "ü"]}, "flag": True, "$tags": ["a", "b"]}
    sandbox.succeed({"runtime": program(COPY), "input": given})
    token = sandbox.token()
    for name in ("data", "flag"):
        content = gateway.file(sandbox.name, "run", f"runtime/{name}.json", token).content
        assert json.loads(content) == given[name]
    assert len(gateway.files(sandbox.name, "run", token)) == 4, "$tags is no file"


def test_directories_exist_without_any_input(sandbox: Sandbox) -> None:
    source = """
import json, os
folders = [f'/var/{f}' for f in ('runtime/input', 'input', 'runtime/output', 'runtime/datapool')]
folders += [os.environ['HOME'], '/tmp']
found = {folder: sorted(os.listdir(folder)) for folder in folders}
for folder in ('/var/runtime/output', os.environ['HOME'], '/tmp'):
    open(os.path.join(folder, 'probe'), 'w').close()
json.dump(found, open('/var/runtime/output/output.json', 'w'))
"""
    final = sandbox.succeed({"runtime": program(source)})
    found = json.loads(str(member(final, "status", "result", "output")))
    assert {folder: names for folder, names in found.items() if names} == {}
    assert len(found) == 6


def assert_arrived(sandbox: Sandbox, gateway: Gateway, expected: dict[str, str]) -> None:
    token = sandbox.token()
    names = {cast("str", file["path"]) for file in gateway.files(sandbox.name, "run", token)}
    assert names == {f"{place}/{name}.json" for place in ("runtime", "older") for name in expected}
    for name, text in expected.items():
        content = gateway.file(sandbox.name, "run", f"runtime/{name}.json", token).content
        assert content == text.encode(), name
        older = gateway.file(sandbox.name, "run", f"older/{name}.json", token).content
        assert older == text.encode(), name
