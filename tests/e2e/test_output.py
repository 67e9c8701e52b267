"""What the program leaves in the output directory, and what it prints instead."""

import hashlib
import json
from typing import cast

from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import member
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox, phase_and_reason, program


def test_nested_binary_and_large_output(sandbox: Sandbox, gateway: Gateway) -> None:
    source = """
import hashlib, json, pathlib
out = pathlib.Path('/var/runtime/output')
(out / 'plots/deep/er').mkdir(parents=True)
(out / 'plots/deep/er/a.png').write_bytes(bytes(range(256)) * 4)
(out / 'empty.dat').touch()
with (out / 'sparse.bin').open('wb') as file:
    file.truncate(3_000_000)
digest = hashlib.sha256()
with (out / 'large.bin').open('wb') as file:
    for number in range(100):
        block = hashlib.sha512(str(number).encode()).digest() * 16384
        digest.update(block)
        file.write(block)
(out / 'output.json').write_text(json.dumps({'large': digest.hexdigest()}))
"""
    final = sandbox.succeed({"runtime": program(source)}, seconds=180)
    files = {str(f["name"]): f for f in cast("list[JsonObject]", member(final, "status", "result", "files"))}
    assert set(files) == {"plots/deep/er/a.png", "empty.dat", "sparse.bin", "large.bin", "output.json"}
    large = json.loads(str(member(final, "status", "result", "output")))["large"]
    assert (files["large.bin"]["size"], files["large.bin"]["sha256"]) == (100 * 1024**2, large)
    token = sandbox.token()
    content = gateway.file(sandbox.name, "run", "large.bin", token).content
    assert hashlib.sha256(content).hexdigest() == large
    picture = gateway.file(sandbox.name, "run", "plots/deep/er/a.png", token)
    assert picture.content == bytes(range(256)) * 4
    assert picture.headers["content-type"] == "image/png"
    assert gateway.file(sandbox.name, "run", "empty.dat", token).content == b""
    assert gateway.file(sandbox.name, "run", "sparse.bin", token).content == bytes(3_000_000)


def test_odd_names_and_things_that_are_no_files(sandbox: Sandbox, gateway: Gateway) -> None:
    names = [
        "with space.txt",
        "Grüße €.txt",
        "a%41?b#c&d.txt",
        ".hidden",
        "..two",
        "-dash",
        "x" * 200 + ".t",
        "q'\"\\.t",
    ]
    source = f"""
import os, pathlib
out = pathlib.Path('/var/runtime/output')
for name in {names!r}:
    (out / name).write_text(name)
(out / 'line\\nbreak').write_text('line')
os.mkfifo(out / 'pipe')
os.symlink('/etc/passwd', out / 'link-out')
os.symlink('/etc', out / 'link-dir')
os.symlink('with space.txt', out / 'link-in')
(out / 'secret').write_text('x'); os.chmod(out / 'secret', 0)
open(os.path.join(os.fsencode(out), b'latin-\\xff'), 'w').close()
"""
    final = sandbox.succeed({"runtime": program(source)})
    token = sandbox.token()
    found = {str(file["path"]) for file in gateway.files(sandbox.name, "run", token)}
    assert set(names) | {"line\nbreak"} <= found
    assert not found & {"pipe", "link-out", "link-dir", "secret"}
    assert not any(name.startswith("link-dir/") for name in found)
    for name in names:
        assert gateway.file(sandbox.name, "run", name, token).content == name.encode(), name
    message = str(member(final, "status", "result", "message"))
    skipped = member(final, "status", "result", "skippedCount")
    assert isinstance(skipped, int)
    assert skipped >= 4
    assert "Not kept:" in message


def test_no_output_at_all(sandbox: Sandbox, gateway: Gateway) -> None:
    final = sandbox.succeed({"runtime": program("pass")})
    assert member(final, "status", "result") == {
        "files": [],
        "fileCount": 0,
        "totalBytes": 0,
        "skippedCount": 0,
        "digest": hashlib.sha256().hexdigest(),
    }
    assert member(final, "status", "log", "bytes") == 0
    token = sandbox.token()
    assert gateway.files(sandbox.name, "run", token) == []
    assert gateway.log(sandbox.name, "run", token) == ""


def test_result_that_is_printed_as_a_block(sandbox: Sandbox) -> None:
    source = """
print('before')
print('PlanQK:Job:MultilineResult')
print('{"printed":')
print('  1.0}')
print('PlanQK:Job:MultilineResult')
print('PlanQK:Job:MultilineResult\\n{"second": 1}\\nPlanQK:Job:MultilineResult')
"""
    final = sandbox.succeed({"runtime": program(source)})
    result = cast("JsonObject", member(final, "status", "result"))
    assert (result["output"], result["source"]) == ('{"printed":\n  1.0}', "Log")


def test_result_that_is_printed_as_a_line(sandbox: Sandbox) -> None:
    source = """print('PlanQK:Job:Result: {"first": 1}'); print('PlanQK:Job:Result: {"last": 2}')"""
    final = sandbox.succeed({"runtime": program(source)})
    result = cast("JsonObject", member(final, "status", "result"))
    assert (result["output"], result["source"]) == ('{"first": 1}', "Log")


def test_file_wins_over_what_is_printed(sandbox: Sandbox) -> None:
    source = """
print('PlanQK:Job:Result: {"printed": 1}')
open('/var/runtime/output/output.json', 'w').write('{"written": 2}')
"""
    final = sandbox.succeed({"runtime": program(source)})
    assert member(final, "status", "result", "output") == '{"written": 2}'


def test_main_result_too_long_for_status_is_a_file(sandbox: Sandbox, gateway: Gateway) -> None:
    source = "open('/var/runtime/output/output.json', 'w').write('\"' + 'x' * 9000 + '\"')"
    final = sandbox.succeed({"runtime": program(source)})
    assert member(final, "status", "result", "output") is None
    assert member(final, "status", "result", "source") == "File"
    content = gateway.file(sandbox.name, "run", "output.json", sandbox.token()).content
    assert len(content) == 9002


def test_output_over_its_limit(sandbox: Sandbox, gateway: Gateway) -> None:
    source = """
out = '/var/runtime/output/'
open(out + 'a-small.txt', 'w').write('kept')
open(out + 'b-large.bin', 'wb').write(bytes(3_000_000))
"""
    final = sandbox.run({"runtime": program(source), "output": {"limit": "1Mi"}})
    assert phase_and_reason(final) == ("Failed", "OutputLimitExceeded")
    message = str(member(final, "status", "message"))
    assert message.startswith("The program wrote more output than spec.output.limit. Not kept: b-large.bin:")
    assert gateway.file(sandbox.name, "run", "a-small.txt", sandbox.token()).content == b"kept"


def test_many_files_are_counted_and_fifty_listed(sandbox: Sandbox, gateway: Gateway) -> None:
    source = """
for number in range(120):
    open(f'/var/runtime/output/{number:03}.txt', 'w').write(str(number))
"""
    final = sandbox.succeed({"runtime": program(source)})
    assert member(final, "status", "result", "fileCount") == 120
    listed = cast("list[JsonObject]", member(final, "status", "result", "files"))
    assert [file["name"] for file in listed] == [f"{number:03}.txt" for number in range(50)]
    assert len(gateway.files(sandbox.name, "run", sandbox.token())) == 120
