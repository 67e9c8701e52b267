"""The collector stays within its memory with many files, and loses nothing to a gateway that tells it to come back."""

import os
import subprocess
import sys
import threading

import pytest

from tests.processes.collector.live import COLLECTOR, contents, eventually, finish, stored
from tests.unit.gateway.collect.collector_cluster import REF

MEMORY = """
import sys
sys.path.append(sys.argv[2])
from collector import collect
class Settings:
    output_directory, max_files, output_limit = sys.argv[1], 50_000, None
class Gateway:
    def put_file(self, path, descriptor, size):
        return bytes(32)
    def delete_file(self, path):
        raise AssertionError(path)
    def commit(self, body):
        self.size = sum(map(len, body()))
gateway = Gateway()
collection = collect.Collection(Settings(), gateway)
collection.run_pass(final=False)
collection.run_pass(final=True)
collection.commit()
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak, collection.file_count, collection.skipped_count, gateway.size)
"""


def fill(root, *, directories, depth, files, name="{:06}.bin"):
    for number in range(directories):
        path = root / "/".join(f"{number:03}{'d' * 200}" for _ in range(depth))
        path.mkdir(parents=True, exist_ok=True)
        directory = os.open(path, os.O_RDONLY)
        for file in range(files):
            os.close(os.open(name.format(file), os.O_CREAT, 0o644, dir_fd=directory))
        os.close(directory)


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ({"directories": 100, "depth": 3, "files": 500}, 50_000),  # 620 bytes each: took more than 90 MB
        ({"directories": 1, "depth": 0, "files": 50_000, "name": "{:06}" + "n" * 249}, 41_924),
    ],
    ids=["deep", "flat"],
)
def test_two_passes_over_50_000_files_with_long_names_fit_into_the_container(tmp_path, shape, count):
    (tmp_path / "x").mkdir()
    fill(tmp_path / "x", **shape)
    command = [sys.executable, "-I", "-S", "-c", MEMORY, str(tmp_path / "x"), str(COLLECTOR.parents[1])]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 0, answer.stderr
    peak, taken, skipped, _ = map(int, answer.stdout.split())
    assert (taken, taken + skipped) == (count, 50_000)
    assert peak < 58 * 1024, "KiB; the limit is 64 MiB, and the supervisor needs some"


def test_names_that_are_too_long_together_are_skipped_with_a_reason(gateway, pod):
    code = (
        "import sys; sys.argv = ['main.py'];"
        f"sys.path.insert(0, {str(COLLECTOR.parents[1])!r});"
        "import collector.collect; collector.collect.MAX_NAME_BYTES = 10;"
        "from collector.main import run; sys.exit(run())"
    )
    for name in ("aaaa", "bbbb", "cccc"):
        (pod.output / name).write_text("1")
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code],
        env=pod.environment,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert finish(process)[0] == 0
    manifest = gateway.call(gateway.store.outputs.read_manifest(REF))
    assert [file.path for file in manifest.files] == ["aaaa", "bbbb"]
    assert [(entry.path, entry.reason) for entry in manifest.skipped] == [
        ("cccc", "the names of all files together are too long")
    ]


def test_long_paths_of_refused_files_do_not_make_the_commit_be_refused(gateway, pod):
    """The gateway's reason names the path, and a reason of more than 1,000 characters was none to it."""
    gateway.kubernetes.add_execution(limit=1)
    gateway.call(gateway.kubernetes.set_main("terminated"))
    deep = pod.output / "/".join(["d" * 200] * 6)
    deep.mkdir(parents=True)
    (deep / "large").write_text("12")
    (pod.output / "f").write_text("1")
    assert pod.run()[0] == 0
    manifest = gateway.call(gateway.store.outputs.read_manifest(REF))
    assert [file.path for file in manifest.files] == ["f"]
    assert len(manifest.skipped[0].path) == len(manifest.skipped[0].reason) == 513


def test_a_collector_that_comes_before_its_job_is_recorded_asks_again(gateway, pod):
    status = gateway.kubernetes.objects["serviceexecutions", REF.namespace, REF.name]["status"]
    job = status.pop("job")
    (pod.output / "f").write_text("1")
    process = pod.start()
    eventually(lambda: gateway.kubernetes.reviews)
    status["job"] = job
    assert finish(process)[0] == 0
    assert stored(gateway) == {"f": b"1"}


def test_a_collector_asks_again_when_too_much_is_going_on(gateway, pod):
    """Uploads and commit are both told to come back, twice each."""
    seen: list[tuple[str, int]] = []
    lock = threading.Lock()
    app = gateway._app

    async def busy(scope, receive, send):
        path = scope["path"]
        with lock:
            seen.append((path, sum(earlier == path for earlier, _ in seen)))
            refused = seen[-1][1] < 2 and not path.endswith("/main")
        if not refused:
            await app(scope, receive, send)
            return
        status = 503 if "commit" in path else 429
        headers = [(b"retry-after", b"0"), (b"content-length", b"2"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    gateway._app = busy
    (pod.output / "f").write_text("1")
    assert pod.run()[0] == 0
    manifest = gateway.call(gateway.store.outputs.read_manifest(REF))
    assert gateway.call(contents(gateway.store, manifest)) == {"f": b"1"}
    assert [path for path, _ in seen if "commit" in path] == ["/collect/v1/commit"] * 3
