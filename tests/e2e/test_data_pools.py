"""A data pool's way on a real node: filled by ``sx``, staged into a pod, and changed while the program runs."""

import json
from pathlib import Path

from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import member
from tests.support.sandbox import Sandbox, program
from tests.support.shell_session import Shell

READS_TWICE = """
import json, os, pathlib, time
pool = pathlib.Path('/var/runtime/datapool/readings')
def seen():
    return {one.name: one.read_text() for one in pool.iterdir()}
first = seen()
print('read once', flush=True)
while not os.path.exists('/var/runtime/output/go'):
    time.sleep(0.05)
try:
    (pool / 'written').write_text('x')
    error = None
except OSError as fault:
    error = fault.strerror
json.dump({'first': first, 'second': seen(), 'error': error}, open('/var/runtime/output/output.json', 'w'))
"""


def test_a_run_sees_its_pool_as_it_was_at_the_start(sandbox: Sandbox, tmp_path: Path) -> None:
    shell = Shell.make(tmp_path, sandbox.name)
    files = tmp_path / "files"
    files.mkdir()
    before = {"a b#?.txt": "alpha", "日本.txt": "beta"}
    for name, text in before.items():
        (files / name).write_text(text)
    made = shell.run("sx pool create readings && sx pool put readings *", files, seconds=120)
    assert "2 sent, 0 there already." in made
    pools: JsonObject = {"readings": {"dataPoolRef": {"name": "readings"}}}
    sandbox.create({"runtime": program(READS_TWICE), "dataPools": pools})
    sandbox.wait_for_log("read once")
    change = """
sx pool rm readings '日本.txt' --yes
echo gamma > new.txt && sx pool put readings new.txt
kubectl exec "$(kubectl get pods --output name)" --container main -- touch /var/runtime/output/go
sx pool ls readings --output json
"""
    left = shell.run(change, files, seconds=120)
    assert "new.txt" in left
    assert "日本.txt" not in left.rpartition("[")[2]
    final = sandbox.wait_for_end()
    assert json.loads(str(member(final, "status", "result", "output"))) == {
        "first": before,
        "second": before,
        "error": "Read-only file system",
    }
    used = member(final, "status", "dataPools", 0)
    assert (member(used, "name"), member(used, "files")) == ("readings", 2)
