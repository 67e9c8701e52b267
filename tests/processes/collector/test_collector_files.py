import os
import socket
import stat

import pytest

from tests.processes.collector.live import contents, tree_of
from tests.unit.gateway.collect.collector_cluster import REF
from tests.unit.gateway.collect.collector_harness import ODD


def committed(gateway):
    manifest = gateway.call(gateway.store.outputs.read_manifest(REF))
    return manifest, gateway.call(contents(gateway.store, manifest))


def skipped(manifest):
    return {entry.path: entry.reason for entry in manifest.skipped}


def test_every_file_arrives_byte_for_byte(gateway, pod):
    for path in ODD:
        target = pod.output / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.encode())
    (pod.output / "deep" / "er" / "x").mkdir(parents=True)
    (pod.output / "deep" / "er" / "x" / "f.bin").write_bytes(os.urandom(1_500_000))
    (pod.output / "empty").write_bytes(b"")
    (pod.output / "empty directory").mkdir()
    with (pod.output / "sparse").open("wb") as sparse:
        sparse.seek(3_000_000)
        sparse.write(b"end")
    os.link(pod.output / "empty", pod.output / "hard link")
    (pod.output / "mode 0600").write_bytes(b"x")
    (pod.output / "mode 0600").chmod(0o600)
    code, log = pod.run()
    manifest, stored = committed(gateway)
    assert (code, stored) == (0, tree_of(pod.output))
    assert manifest.skipped == ()
    assert log[-1]["files"] == len(stored)
    assert '"committed": true' in pod.message.read_text()


def test_no_output_at_all_is_an_empty_manifest(gateway, pod):
    assert pod.run()[0] == 0
    assert committed(gateway)[0].files == ()


def test_missing_output_directory_is_an_empty_manifest(gateway, pod):
    pod.output.rmdir()
    assert pod.run()[0] == 0
    assert committed(gateway)[0].files == ()


def test_what_is_no_regular_file_is_skipped_with_a_reason(gateway, pod, tmp_path):
    secret = tmp_path / "outside"
    secret.write_text("secret")
    (pod.output / "kept").write_text("kept")
    (pod.output / "to file").symlink_to("kept")
    (pod.output / "to outside").symlink_to(secret)
    (pod.output / "to directory").symlink_to(tmp_path)
    (pod.output / "dangling").symlink_to("nowhere")
    (pod.output / "loop").symlink_to("loop")
    os.mkfifo(pod.output / "fifo")
    os.mknod(pod.output / "device", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (pod.output / os.fsdecode(b"caf\xe9")).write_text("x")
    with socket.socket(socket.AF_UNIX) as listener:
        directory = os.open(pod.output, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{directory}/socket")  # a short name for a long path
        os.close(directory)
        assert pod.run()[0] == 0
    manifest, stored = committed(gateway)
    assert stored == {"kept": b"kept"}
    link = "symbolic links are not followed"
    assert skipped(manifest) == {
        "to file": link,
        "to outside": link,
        "to directory": link,
        "dangling": link,
        "loop": link,
        "fifo": "a named pipe",
        "socket": "a socket",
        "device": "a device",
        "caf\\xe9": "its name is not UTF-8",
    }


def test_a_main_result_that_is_a_directory_is_told_and_its_files_are_kept(gateway, pod):
    """The verdict is then no success, as for a link."""
    (pod.output / "output.json").mkdir()
    (pod.output / "output.json" / "part").write_text("kept")
    (pod.output / "deeper" / "output.json").mkdir(parents=True)
    assert pod.run()[0] == 0
    manifest, stored = committed(gateway)
    assert stored == {"output.json/part": b"kept"}
    assert skipped(manifest) == {"output.json": "a directory"}


def test_unreadable_files_and_directories_are_skipped(gateway, pod):
    (pod.output / "kept").write_text("kept")
    (pod.output / "kept").chmod(0o644)
    for name, mode in (("file", 0o000), ("directory", 0o000), ("no search", 0o444)):
        target = pod.output / name
        if name == "file":
            target.write_text("x")
        else:
            target.mkdir()
            (target / "x").write_text("x")
        target.chmod(mode)
    # root may read everything; without these capabilities it may not
    prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.getuid() == 0 else ()
    code, _ = pod.run(prefix=prefix)
    manifest, stored = committed(gateway)
    assert (code, stored) == (0, {"kept": b"kept"})
    assert skipped(manifest) == {
        "file": "it cannot be read: Permission denied",
        "directory": "a directory: it cannot be read: Permission denied",
        "no search/x": "it cannot be read: Permission denied",
    }


def test_an_output_directory_that_cannot_be_read_is_said_as_a_whole(gateway, pod):
    """The verdict is then no success: see tests/unit/executions/test_verdict.py."""
    (pod.output / "output.json").write_text("{}")
    pod.output.chmod(0o000)
    prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.getuid() == 0 else ()
    code, _ = pod.run(prefix=prefix)
    pod.output.chmod(0o700)
    manifest, stored = committed(gateway)
    assert (code, stored) == (0, {})
    assert skipped(manifest) == {"": "the output directory: it cannot be read: Permission denied"}


def test_deeply_nested_folders_are_collected_within_the_bounds(gateway, pod):
    directory = os.open(pod.output, os.O_RDONLY)
    for level in range(140):
        file = os.open(f"f{level}", os.O_CREAT | os.O_WRONLY, dir_fd=directory)
        os.write(file, str(level).encode())
        os.close(file)
        os.mkdir("d", dir_fd=directory)
        deeper = os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = deeper
    os.close(directory)
    assert pod.run()[0] == 0
    manifest, stored = committed(gateway)
    assert len(stored) == 128
    assert stored["d/" * 127 + "f127"] == b"127"
    assert [entry.reason for entry in manifest.skipped] == ["nested deeper than 127 directories"]


def test_paths_that_are_too_long(gateway, pod):
    directory = os.open(pod.output, os.O_RDONLY)
    for _ in range(17):
        os.mkdir("n" * 250, dir_fd=directory)
        deeper = os.open("n" * 250, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = deeper
    os.close(os.open("f", os.O_CREAT, dir_fd=directory))
    os.close(directory)
    assert pod.run()[0] == 0
    manifest, stored = committed(gateway)
    assert stored == {}
    assert manifest.skipped[0].reason == "its path is longer than 4096 bytes"


def test_the_output_limit_skips_what_does_not_fit(gateway, pod):
    gateway.kubernetes.add_execution(limit=100)
    gateway.call(gateway.kubernetes.set_main("terminated"))
    pod.environment["SX_OUTPUT_LIMIT"] = "100"
    (pod.output / "a-large").write_bytes(b"x" * 60)
    (pod.output / "b-small").write_bytes(b"x" * 10)
    (pod.output / "output.json").write_bytes(b"x" * 50)
    assert pod.run()[0] == 0
    manifest, stored = committed(gateway)
    assert set(stored) == {"output.json", "b-small"}
    assert manifest.limit_exceeded
    assert "limit of 100 bytes" in skipped(manifest)["a-large"]


def test_the_gateways_limit_holds_too(gateway, pod):
    gateway.kubernetes.add_execution(limit=10)
    gateway.call(gateway.kubernetes.set_main("terminated"))
    (pod.output / "large").write_bytes(b"x" * 3_000_000)
    (pod.output / "small").write_bytes(b"x" * 10)
    assert pod.run()[0] == 0
    manifest, stored = committed(gateway)
    assert set(stored) == {"small"}
    assert manifest.limit_exceeded
    assert set(skipped(manifest)) == {"large"}


@pytest.mark.parametrize("limit", ["20", "1020"])
def test_files_beyond_the_most_are_skipped(gateway, pod, limit):
    pod.environment["SX_MAX_FILES"] = "10"
    for number in range(int(limit)):
        (pod.output / f"f{number:04}").write_bytes(b"")
    assert pod.run()[0] == 0
    manifest, stored = committed(gateway)
    assert len(stored) == 10
    assert len(manifest.skipped) == min(int(limit) - 10, 1000)
    if limit == "1020":
        assert "only 1010 names of this directory are looked at" in skipped(manifest).values()
        assert any("more files were not collected" in reason for reason in skipped(manifest).values())
