"""The libraries' own DataPool, unmodified, on a folder that was filled from the results store."""

import hashlib
import json
import subprocess

import pytest

from tests.launcher.conftest import library_python
from tests.processes.collector.live import LiveGateway
from tests.processes.stage_in.staged import StagedPool

FILES = {"empty": b"", "ü é.csv": b"1,2,3", "a#b?c": bytes(range(256)), "large.bin": bytes(9_000_000)}
PROGRAM = """
import hashlib, json, sys
from {library}.commons.datapool import DataPool
pool = DataPool(sys.argv[1])
found = {{}}
for name in pool.list_files():
    with pool.open(name, "rb") as file:
        found[name] = hashlib.sha256(file.read()).hexdigest()
print(json.dumps([pool.name, found]))
"""


@pytest.mark.parametrize("library", ["qhub", "planqk"])
def test_the_librarys_data_pool_lists_and_opens_what_was_staged(tmp_path, library):
    gateway = LiveGateway(tmp_path / "live")
    try:
        gateway.kubernetes.add_execution()
        pool = StagedPool(gateway, tmp_path)
        pool.fill(FILES)
        code, log = pool.run()
        assert code == 0, log
    finally:
        gateway.stop(abruptly=True)
    python = str(library_python(f"{library}-commons"))
    command = [python, "-c", PROGRAM.format(library=library), str(pool.folder)]
    printed = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    assert json.loads(printed) == ["numbers", digests]
