"""The plain way: an execution that succeeds, and all that is there afterwards."""

import hashlib
import json
from typing import cast

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from tests.support.cluster import Cluster, member
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox, program

SUM = """
import json, pathlib
read = lambda name: json.loads(pathlib.Path('/var/runtime/input', name).read_text())
data, params = read('data.json'), read('params.json')
print('adding', len(data['values']), 'values')
output = pathlib.Path('/var/runtime/output')
(output / 'output.json').write_text(json.dumps({'sum': sum(data['values'])}))
(output / 'report.txt').write_text('three values\\n')
print('done')
"""
INPUT: JsonObject = {"data": {"values": [1, 2, 3]}, "params": {"round_up": True}}


def test_success_leaves_result_log_and_status(sandbox: Sandbox, gateway: Gateway, cluster: Cluster) -> None:
    final = sandbox.succeed({"runtime": program(SUM), "input": INPUT})

    status = cast("JsonObject", final["status"])
    output, report = b'{"sum": 6}', b"three values\n"
    assert status["phase"] == "Succeeded"
    assert status["reason"] == "Succeeded"
    assert status["message"] == "The program ended with exit code 0."
    assert status["observedGeneration"] == 1
    assert status["attempts"] == 1
    assert status["exitCode"] == 0
    assert status["result"] == {
        "output": output.decode(),
        "source": "File",
        "files": [
            _file("output.json", output, "application/json"),
            _file("report.txt", report, "text/plain"),
        ],
        "fileCount": 2,
        "totalBytes": len(output) + len(report),
        "skippedCount": 0,
        "digest": hashlib.sha256(
            "".join(
                f"{hashlib.sha256(data).hexdigest()}  {name}\n"
                for name, data in (("output.json", output), ("report.txt", report))
            ).encode()
        ).hexdigest(),
    }
    assert status["log"] == {"bytes": len("adding 3 values\ndone\n"), "lines": 2, "truncated": False}
    assert {"startTime", "completionTime", "duration", "usage", "job", "pod", "conditions"} <= set(status)
    conditions = cast("list[JsonObject]", status["conditions"])
    assert {c["type"]: c["status"] for c in conditions} == {
        "Complete": "True",
        "Failed": "False",
        "Cancelled": "False",
        "Collecting": "False",
        "Reconciling": "False",
        "Stalled": "False",
    }
    assert all(c["observedGeneration"] == 1 and c["lastTransitionTime"] for c in conditions)

    chosen = cluster.select(SERVICE_EXECUTIONS, sandbox.name, fields="status.phase=Succeeded")
    assert len(chosen) == 1
    assert cluster.select(SERVICE_EXECUTIONS, sandbox.name, fields="status.phase=Running") == []

    sandbox.wait_for_no_children(final)
    token = sandbox.token()
    assert gateway.log(sandbox.name, "run", token) == "adding 3 values\ndone\n"
    assert gateway.file(sandbox.name, "run", "output.json", token).content == output
    reasons = {event["reason"] for event in sandbox.events(final)}
    assert "Succeeded" in reasons


def test_kept_file_is_served_in_parts_and_by_etag(sandbox: Sandbox, gateway: Gateway) -> None:
    source = "open('/var/runtime/output/data.bin', 'wb').write(bytes(range(256)) * 40)"
    final = sandbox.succeed({"runtime": program(source)})
    sandbox.wait_for_no_children(final)
    token, content = sandbox.token(), bytes(range(256)) * 40

    whole = gateway.file(sandbox.name, "run", "data.bin", token)
    assert whole.content == content
    assert whole.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-length"] == str(len(content))

    part = gateway.file(sandbox.name, "run", "data.bin", token, {"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, content[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(content)}"

    same = gateway.file(sandbox.name, "run", "data.bin", token, {"If-None-Match": whole.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    beyond = gateway.file(sandbox.name, "run", "data.bin", token, {"Range": "bytes=20000-"})
    assert beyond.status_code == 416
    missing = gateway.file(sandbox.name, "run", "other.bin", token)
    assert missing.status_code == 404
    assert missing.headers["content-type"].startswith("application/problem+json")


def test_failure_keeps_exit_code_and_log(sandbox: Sandbox, gateway: Gateway) -> None:
    source = "import sys\nprint('before the end')\nprint('last words', file=sys.stderr)\nsys.exit(3)"
    final = sandbox.run({"runtime": program(source)})
    status = cast("JsonObject", final["status"])
    assert (status["phase"], status["reason"], status["exitCode"]) == ("Failed", "ProgramFailed", 3)
    assert status["message"] == "The program failed. Its exit code is 3."
    failed = next(c for c in cast("list[JsonObject]", status["conditions"]) if c["type"] == "Failed")
    assert (failed["status"], failed["reason"], failed["message"]) == (
        "True",
        "ProgramFailed",
        status["message"],
    )
    sandbox.wait_for_no_children(final)
    log = gateway.log(sandbox.name, "run", sandbox.token())
    assert "before the end\n" in log
    assert "last words\n" in log


def test_crash_keeps_the_last_words(sandbox: Sandbox, gateway: Gateway) -> None:
    source = "import os\nprint('the last thing it said', flush=True)\nos.abort()"
    final = sandbox.run({"runtime": program(source)})
    assert member(final, "status", "reason") == "ProgramFailed"
    assert "SIGABRT" in str(member(final, "status", "message"))
    assert "the last thing it said\n" in gateway.log(sandbox.name, "run", sandbox.token())


def test_two_executions_of_one_name_one_after_the_other(sandbox: Sandbox, gateway: Gateway) -> None:
    token = sandbox.token()
    for number in (1, 2):
        text = json.dumps({"number": number})
        source = f"print('run {number}')\nopen('/var/runtime/output/output.json', 'w').write('{text}')\n"
        if number == 1:
            source += "open('/var/runtime/output/only-first.txt', 'w').write('1')"
        final = sandbox.succeed({"runtime": program(source)})
        assert member(final, "status", "result", "output") == text
        assert gateway.log(sandbox.name, "run", token) == f"run {number}\n"
        names = [file["path"] for file in gateway.files(sandbox.name, "run", token)]
        assert names == (["only-first.txt", "output.json"] if number == 1 else ["output.json"])
        sandbox.delete()


def _file(name: str, content: bytes, media_type: str) -> JsonObject:
    digest = hashlib.sha256(content).hexdigest()
    return {"name": name, "size": len(content), "sha256": digest, "mediaType": media_type}
