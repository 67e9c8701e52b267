"""A process is known by number and start time, so that a reused number is never killed."""

import dataclasses
import os
import subprocess
from pathlib import Path

from cluster.node.processes import ProcessRecord, children, start_time


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    record = ProcessRecord.of(os.getpid())
    assert record is not None
    record.write(tmp_path / "p.json")
    assert ProcessRecord.read(tmp_path / "p.json") == record
    assert record.alive()


def test_unreadable_records_are_none(tmp_path: Path) -> None:
    assert ProcessRecord.read(tmp_path / "none.json") is None
    (tmp_path / "cut.json").write_text('{"pid": 1')
    assert ProcessRecord.read(tmp_path / "cut.json") is None


def test_a_process_of_the_same_number_but_another_start_or_boot_is_not_killed() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        record = ProcessRecord.of(process.pid)
        assert record is not None
        dataclasses.replace(record, start_time=record.start_time - 1).kill()
        dataclasses.replace(record, boot="another").kill()
        assert process.poll() is None
        assert process.pid in children(os.getpid())
        record.kill()
        assert process.wait() == -9
    assert ProcessRecord.of(process.pid) is None


def test_a_process_that_only_waits_to_be_reaped_is_gone() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert start_time(process.pid) is None
    process.wait()
