"""What a program has used, as the collector measures it: through processes here, through control groups in pods."""

import json
import os
import shlex
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from serviceexecution.collector.accounts import ControlGroup, Reading
from serviceexecution.collector.meter import GROUPS, Meter
from serviceexecution.collector.processes import Processes
from serviceexecution.collector.series import MOST_POINTS, Series
from tests.processes.collector.shared_pod import SharedPod, needs_namespaces
from tests.unit.gateway.collect.collector_cluster import REF

MIB = 1 << 20
PROGRAM = """
import json, os, time
held = bytearray(100 << 20)
for at in range(0, len(held), 4096): held[at] = 1
for _ in range(CHILDREN):
    if os.fork() == 0:
        while time.process_time() < 0.5: pass
        os._exit(0)
for _ in range(CHILDREN): os.wait()
while time.process_time() < 0.5: pass
time.sleep(1.5)
del held
json.dump({"cpu": sum(os.times()[:4])}, open("output.json", "w"))
"""


def used(gateway):
    manifest = gateway.call(gateway.store.outputs.read_manifest(REF))
    return manifest.usage, gateway.call(gateway.store.usage.read_series(REF))


@needs_namespaces
@pytest.mark.parametrize("children", [0, 2])
def test_cpu_and_memory_of_a_program_and_its_children_are_kept_with_its_output(gateway, pod, children):
    gateway.call(gateway.kubernetes.set_main("running"))
    program = PROGRAM.replace("CHILDREN", str(children))
    code, log = SharedPod(pod, shlex.join([sys.executable, "-S", "-c", program])).finish()
    assert code == 0, log
    sums, series = used(gateway)
    said = json.loads((pod.output / "output.json").read_text())["cpu"]
    assert sums.cpu_seconds == pytest.approx(said, rel=0.1)
    assert sums.memory_peak_bytes > 100 * MIB
    if not children:
        assert sums.memory_peak_bytes < 125 * MIB
    assert sums.complete is False, "sums of processes are a lower bound"
    assert series.pod_uid
    assert len(series.points) >= 4
    assert all(
        one.time < two.time and one.cpu_seconds <= two.cpu_seconds for one, two in pairwise(series.points)
    )


def test_a_program_that_cannot_be_seen_leaves_an_output_without_usage(gateway, pod):
    (pod.output / "f").write_text("1")
    assert pod.run()[0] == 0
    assert used(gateway) == (None, None)


# Control groups. ------------------------------------------------------------------------------------------

UNIFIED = {
    "cgroup.procs": "7\n8\n",
    "cpu.stat": "usage_usec 5040995\nuser_usec 5000000\n",
    "memory.current": "4096\n",
    "memory.peak": "318484480\n",
    "io.stat": "8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=9 dios=0\n8:16 rbytes=1 wbytes=2\n",
    "cpu.max": "150000 100000\n",
    "memory.max": "max\n",
}
FIRST = {
    "memory/cgroup.procs": "7\n",
    "cpuacct/cpuacct.usage": "5040995000\n",
    "memory/memory.usage_in_bytes": "4096\n",
    "memory/memory.max_usage_in_bytes": "318484480\n",
    "blkio/blkio.throttle.io_service_bytes_recursive": "8:0 Read 100\n8:0 Write 20\n8:16 Read 1\n8:16 Write 2\n",
    "cpu/cpu.cfs_quota_us": "150000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
    "memory/memory.limit_in_bytes": "9223372036854771712\n",
}


def written(directory, files):
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(directory)


@pytest.mark.parametrize("files", [UNIFIED, FIRST], ids=["version 2", "version 1"])
def test_sums_of_a_control_group(tmp_path, files):
    group = ControlGroup(written(tmp_path, files), 7)
    reading = group.read()
    assert (reading.cpu, reading.memory, reading.peak) == (5.040995, 4096, 318484480)
    assert (reading.read, reading.written) == (101, 22)
    assert (group.cpu_limit, group.memory_limit) == (1.5, None)
    group.close()


@pytest.mark.parametrize("missing", ["memory.current", "cpu.stat", "cgroup.procs"])
def test_a_control_group_without_what_is_needed_is_none(tmp_path, missing):
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    directory = written(tmp_path, {name: text for name, text in UNIFIED.items() if name != missing})
    with pytest.raises(OSError, match=r"No such file|not that of"):
        ControlGroup(directory, 7)
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_the_control_group_of_another_container_is_not_taken(tmp_path):
    with pytest.raises(OSError, match="not that of the process"):
        ControlGroup(written(tmp_path, UNIFIED), 9)


def test_without_its_optional_parts_the_rest_of_a_control_group_is_told(tmp_path):
    needed = {name: text for name, text in UNIFIED.items() if name not in {"memory.peak", "io.stat"}}
    reading = ControlGroup(written(tmp_path, needed), 7).read()
    assert (reading.cpu, reading.peak, reading.read, reading.written) == (5.040995, None, None, None)


# The meter and its series. --------------------------------------------------------------------------------


def stat(number, start, state="S"):
    return f"{number} (a) b) {state} 0 " + "0 " * 9 + "100 50 25 25 0 0 0 0 " + f"{start} 0 1000 " + "0 " * 20


def fake_proc(tmp_path, processes):
    own = str(os.getpid())
    everything = {
        "loadavg": "0 0 0 1/2 9\n",
        "self/cgroup": "0::/own\n",
        "1/cgroup": "0::/pause\n",
        **processes,
    }
    everything |= {f"{os.getppid()}/stat": stat(os.getppid(), 500), f"{own}/stat": stat(own, 510)}
    return written(tmp_path, everything)


def test_main_is_the_container_that_starts_next(tmp_path):
    files = {
        f"{n}/stat": stat(n, start) for n, start in ((90001, 100), (90002, 900), (90003, 700), (90004, 800))
    }
    files |= {"90001/cgroup": "0::/sidecar\n", "90002/cgroup": "0::/debug\n", "90003/cgroup": "0::/main\n"}
    files |= {"90004/cgroup": "0::/own\n"}
    for number, peak in ((90001, "1"), (90002, "2"), (90003, "3")):
        parts = {**UNIFIED, "cgroup.procs": f"{number}\n", "memory.peak": peak}
        files |= {f"{number}/{GROUPS}/{name}": text for name, text in parts.items()}
    proc = fake_proc(tmp_path, files)
    meter = Meter(Processes(proc), proc)
    meter.look()
    meter.end()
    facts = meter.facts()
    assert facts["cpuSeconds"] == 5.040995
    assert facts["memoryPeakBytes"] == 4096, "the sample is larger than the group's peak here"
    assert facts["cpuLimit"] == 1.5
    assert meter.pause is None


def test_waiting_for_a_program_costs_less_and_less(tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("serviceexecution.collector.meter.time.monotonic", lambda: now)
    meter = Meter(Processes(str(tmp_path)), str(tmp_path))
    looks, at = [], 0.0
    while at < 600:
        now = 1000.0 + at
        pause = meter.pause
        assert pause is not None
        looks.append(at)
        at += pause
    assert meter.pause == 0.1, "when an image is pulled for minutes"
    assert sum(look < 1 for look in looks) >= 190, "most programs start within a second"
    assert len(looks) < 8000
    meter.end()


def test_a_program_that_ended_before_it_could_be_opened_is_not_told(tmp_path):
    proc = fake_proc(tmp_path, {"90003/stat": stat(90003, 700, "Z"), "90003/cgroup": "0::/main\n"})
    meter = Meter(Processes(proc), proc)
    meter.look()
    meter.end()
    assert meter.facts() is None


def series_of(seconds, *, step):
    series = Series()
    series.begin(1000.0, 0.0)
    at, due = 0.0, 0.0
    while at < seconds:
        if at >= due:
            series.add(1000.0 + at, at, Reading(at / 2, 50 + (at >= 7.0) * 50 * (at < 9.0), None, 1, 2))
            due = at + series.pause(1000.0 + at)
        at += step
    return series


def test_a_long_run_has_few_points_that_keep_peaks_and_sums():
    series = series_of(3600, step=0.1)
    facts = series.facts()
    points = facts["points"]
    assert 60 < len(points) <= MOST_POINTS
    assert points[-1][1] == pytest.approx(1800, abs=30)
    assert max(memory for _, _, memory in points) == facts["memoryPeakBytes"] == 100
    assert "gaps" not in facts


def test_what_was_not_sampled_is_a_gap():
    series = series_of(10, step=0.1)
    series.add(1030.0, 30.0, Reading(20.0, 50, None, 1, 2))
    facts = series.facts()
    assert (facts["gaps"], round(facts["gapSeconds"])) == (1, 20)
    late = Series()
    late.begin(1000.0, 12.0)
    late.add(1000.0, 0.0, Reading(1.0, 1, None, None, None))
    assert late.facts()["gapSeconds"] == 12.0
    assert "readBytes" not in late.facts()
