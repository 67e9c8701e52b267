"""Files of a data pool on a volume, on a real node: by ``sx`` through the pod that serves the volume, and by runs."""

import json
import time
from pathlib import Path

from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import member
from tests.support.polling import poll_until
from tests.support.sandbox import Sandbox, program
from tests.support.shell_session import Shell

JOBS = "kubectl get jobs --selector serviceexecution.dev/data-pool-uid --output name"
LEAVES = """
import json, os, pathlib
pool = pathlib.Path('/var/runtime/datapool/models')
found = {one.name: one.read_text() for one in pool.iterdir() if one.is_file()}
(pool / 'left.txt').write_text('by the program')
(pool / 'link').symlink_to('/etc/passwd')
os.mkfifo(pool / 'pipe')
json.dump(found, open('/var/runtime/output/output.json', 'w'))
"""


def test_files_of_a_volume_come_and_go_through_a_pod_that_ends(sandbox: Sandbox, tmp_path: Path) -> None:
    shell = Shell.make(tmp_path, sandbox.name)
    files = tmp_path / "files"
    files.mkdir()
    (files / "a b#?.txt").write_text("alpha")
    (files / "日本.bin").write_bytes(bytes(range(256)) * 20_000)
    put = "sx pool create models --size 100Mi && sx pool put models *"
    assert "2 sent, 0 there already." in shell.run(put, files, seconds=180)
    assert len(shell.run(JOBS, files, seconds=30).split()) == 1
    claim: JsonObject = {"persistentVolumeClaim": {"claimName": "datapool-models"}, "readOnly": False}
    (files / "日本.bin").unlink()
    shell.run("sx pool rm models '日本.bin' --yes", files, seconds=60)
    final = sandbox.succeed({"runtime": program(LEAVES), "dataPools": {"models": claim}}, seconds=240)
    assert json.loads(str(member(final, "status", "result", "output"))) == {"a b#?.txt": "alpha"}
    got = shell.run("sx pool get models -d got && cat got/left.txt", files, seconds=120)
    assert "by the program" in got
    assert sorted(one.name for one in (files / "got").iterdir()) == ["a b#?.txt", "left.txt"]
    said = "kubectl get datapool models --output jsonpath='{.status.conditions[*].type} {.status.access}'"
    assert "FilesReachable" in shell.run(said, files, seconds=30)
    last_call = time.monotonic()
    poll_until(
        lambda: not shell.run(JOBS, files, seconds=30).strip(),
        seconds=240,
        what="the pod ends when nobody asks",
    )
    assert time.monotonic() - last_call > 60, "it is not started anew for each call"
    assert "FilesReachable" not in shell.run(said, files, seconds=30)
