"""What programs have used, on a real node: the kernel's sums of their containers."""

import json
from typing import cast

import pytest

from serviceexecution.contract.json_types import JsonObject, object_at
from tests.support.sandbox import Sandbox, program

MIB = 1 << 20
BEGIN = "import json, os, time\nheld = 0\n"
END = """
open('/var/runtime/output/output.json', 'w').write(json.dumps({'cpu': sum(os.times()[:4]), 'kernel': kernel()}))
"""
KERNEL = """
def kernel():
    for name, unit in (('/sys/fs/cgroup/cpuacct/cpuacct.usage', 1e9), ('/sys/fs/cgroup/cpu.stat', 1e6)):
        if os.path.exists(name):
            return int(open(name).read().replace('usage_usec', '').split()[0]) / unit
"""
BURNS = """
held = bytearray(300 << 20)
for at in range(0, len(held), 4096): held[at] = 1
while time.process_time() < 5: pass
"""
FORKS = """
for _ in range(2):
    if os.fork() == 0:
        while time.process_time() < 1: pass
        os._exit(0)
for _ in range(2): os.wait()
"""
BRIEF = """
time.sleep(0.02)
"""


@pytest.mark.parametrize(
    ("work", "cpu", "memory"),
    [(BURNS, 5.0, 300 * MIB), (FORKS, 2.0, 0), (BRIEF, 0.0, 0)],
    ids=["burns", "forks", "brief"],
)
def test_usage_is_what_the_kernel_says(sandbox: Sandbox, work: str, cpu: float, memory: int) -> None:
    status = object_at(sandbox.succeed({"runtime": program(BEGIN + KERNEL + work + END)}), "status")
    usage = object_at(status, "usage")
    said = json.loads(str(object_at(status, "result")["output"]))
    assert usage["complete"] is True
    used = cast("float", usage["cpuSeconds"])
    assert used >= cpu
    assert used == pytest.approx(said["kernel"], rel=0.1, abs=0.05), "with what ending the process took"
    peak = cast("int", usage["memoryPeakBytes"])
    assert peak > memory
    if memory:
        assert peak < 1.1 * (memory + 20 * MIB), "an interpreter beside it"
    _no_negative(usage)


def _no_negative(usage: JsonObject) -> None:
    assert all(value >= 0 for value in usage.values() if isinstance(value, int | float))
