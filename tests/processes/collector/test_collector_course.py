import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.processes.collector.live import (
    COLLECTOR,
    LiveGateway,
    Pod,
    eventually,
    finish,
    stored,
    uploaded,
)
from tests.unit.gateway.collect.collector_cluster import REF


def test_waits_for_the_end_of_main(gateway, pod):
    gateway.call(gateway.kubernetes.set_main("waiting"))
    process = pod.start()
    gateway.call(gateway.kubernetes.set_main("running"))
    (pod.output / "output.json").write_text("{}")
    assert stored(gateway) is None
    gateway.call(gateway.kubernetes.set_main("terminated"))
    assert finish(process)[0] == 0
    assert stored(gateway) == {"output.json": b"{}"}


def test_sigterm_saves_at_once_and_again_when_main_has_gone(gateway, pod):
    gateway.call(gateway.kubernetes.set_main("running"))
    (pod.output / "early").write_text("1")
    (pod.output / "changed").write_text("1")
    (pod.output / "removed").write_text("1")
    process = pod.start()
    eventually(lambda: gateway.kubernetes.reviews)
    process.terminate()
    eventually(lambda: len(uploaded(gateway)) == 3)
    assert stored(gateway) is None
    (pod.output / "changed").write_text("22")
    (pod.output / "late").write_text("1")
    (pod.output / "removed").unlink()
    gateway.call(gateway.kubernetes.set_main("terminated"))
    code, log = finish(process)
    assert code == 0
    assert stored(gateway) == {"early": b"1", "changed": b"22", "late": b"1"}
    assert set(uploaded(gateway)) == {"early", "changed", "late"}
    assert log[-1]["event"] == "committed"


def test_files_of_the_first_pass_do_not_use_up_the_limit(gateway, pod):
    gateway.kubernetes.add_execution(limit=10)
    pod.environment["SX_OUTPUT_LIMIT"] = "10"
    (pod.output / "temporary").write_bytes(b"x" * 10)
    process = pod.start()
    eventually(lambda: gateway.kubernetes.reviews)
    process.terminate()
    eventually(lambda: uploaded(gateway))
    (pod.output / "temporary").unlink()
    (pod.output / "final").write_bytes(b"x" * 10)
    gateway.call(gateway.kubernetes.set_main("terminated"))
    assert finish(process)[0] == 0
    manifest = gateway.call(gateway.store.outputs.read_manifest(REF))
    assert [file.path for file in manifest.files] == ["final"]
    assert not manifest.limit_exceeded


def test_main_that_never_started_leaves_an_empty_output(gateway, pod):
    gateway.call(gateway.kubernetes.set_main("waiting"))
    process = pod.start()
    eventually(lambda: gateway.kubernetes.reviews)
    process.terminate()
    assert finish(process)[0] == 0
    assert stored(gateway) == {}


def test_deleted_execution_is_let_go(gateway, pod):
    (pod.output / "partial").write_text("1")
    job = next(key for key in gateway.kubernetes.objects if key[0] == "jobs")
    gateway.kubernetes.objects.pop(job)
    process = pod.start()
    eventually(lambda: gateway.kubernetes.reviews)
    process.terminate()
    code, log = finish(process)
    assert code == 0
    assert log[-1]["event"] == "nothing to do"
    assert stored(gateway) is None


def test_main_that_does_not_end_is_collected_as_it_is(gateway, pod, monkeypatch):
    gateway.call(gateway.kubernetes.set_main("running"))
    (pod.output / "partial").write_text("1")
    code = (
        "import sys; sys.argv = ['main.py']; sys.path.append(sys.argv[0]);"
        f"sys.path.insert(0, {str(COLLECTOR.parents[1])!r});"
        "import collector.watch; collector.watch.UNCOLLECTED_SECONDS = 0.2;"
        "import collector.main; sys.exit(collector.main.supervise())"
    )
    pod.environment["SX_CANCEL_GRACE"] = "0.1"
    command = [sys.executable, "-I", "-S", "-c", code]
    process = subprocess.Popen(command, env=pod.environment, stderr=subprocess.PIPE, start_new_session=True)
    eventually(lambda: gateway.kubernetes.reviews)
    process.terminate()
    assert finish(process)[0] == 0
    assert stored(gateway) == {"partial": b"1"}


def test_second_run_finds_it_committed(gateway, pod):
    (pod.output / "f").write_text("1")
    assert pod.run()[0] == 0
    assert pod.run()[0] == 0  # the same once more
    (pod.output / "f").write_text("2")
    code, log = pod.run()
    assert (code, log[-1]["why"]) == (0, "AlreadyCommitted")
    assert stored(gateway) == {"f": b"1"}


def test_crashed_child_is_started_again(gateway, pod):
    gateway.call(gateway.kubernetes.set_main("running"))
    (pod.output / "f").write_text("1")
    process = pod.start()
    eventually(lambda: gateway.kubernetes.reviews)
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    os.kill(int(Path(children).read_text()), signal.SIGKILL)
    gateway.call(gateway.kubernetes.set_main("terminated"))
    assert finish(process)[0] == 0
    assert stored(gateway) == {"f": b"1"}


def test_the_collector_reads_a_rotated_token(gateway, pod):
    (pod.output / "f").write_text("1")
    gateway.kubernetes.tokens.clear()
    process = pod.start()
    eventually(lambda: gateway.kubernetes.reviews)
    pod.token.unlink()
    gateway.kubernetes.add_collector_token("new-token", REF.namespace, "pod-1", "uid-pod-1")
    pod.token.write_text("new-token")
    assert finish(process)[0] == 0
    assert stored(gateway) == {"f": b"1"}


def test_gateway_that_comes_up_late(tmp_path):
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        port = placeholder.getsockname()[1]
    pod = Pod(tmp_path, f"http://127.0.0.1:{port}")
    (pod.output / "f").write_text("1")
    process = pod.start()
    line = process.stderr.readline()
    assert b"refused" in line
    gateway = LiveGateway(tmp_path, port=port)
    gateway.kubernetes.add_execution()
    gateway.call(gateway.kubernetes.set_main("terminated"))
    assert finish(process)[0] == 0
    assert stored(gateway) == {"f": b"1"}
    gateway.stop()


def test_gives_up_when_time_is_up(gateway, pod):
    (pod.output / "f").write_text("1")
    pod.environment["SX_COLLECT_TIMEOUT"] = "1"
    gateway.call(gateway.kubernetes.set_main("terminated"))
    with failing_proxy(gateway.port, 10**6, b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}") as url:
        pod.environment["SX_GATEWAY_URL"] = url
        code, log = pod.run()
    assert (code, log[-1]["event"]) == (3, "gave up")
    assert "500" in log[-1]["why"]
    assert stored(gateway) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 404 No\r\nConnection: close\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"sha256":"0"}',
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_bad_answers_are_asked_again(gateway, pod, answer):
    (pod.output / "large").write_bytes(b"x" * 2_000_000)
    with failing_proxy(gateway.port, 1, answer) as url:
        pod.environment["SX_GATEWAY_URL"] = url
        assert pod.run()[0] == 0
    assert stored(gateway) == {"large": b"x" * 2_000_000}


@contextlib.contextmanager
def failing_proxy(port, failures, answer):
    """Forward connections; the first uploads get ``answer`` after a little of their body, and are closed."""
    listener = socket.create_server(("127.0.0.1", 0))
    left = [failures]

    def pump(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def handle(client):
        with client, contextlib.suppress(OSError):
            head = client.recv(65536)
            if head.startswith(b"PUT") and left[0]:
                left[0] -= 1
                client.sendall(answer)
                return
            with socket.create_connection(("127.0.0.1", port)) as server:
                server.sendall(head)
                back = threading.Thread(target=pump, args=(server, client), daemon=True)
                back.start()
                pump(client, server)
                back.join()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=handle, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # ends accept
        listener.close()


def test_gateway_killed_in_the_middle_of_an_upload(tmp_path):
    gateway = LiveGateway(tmp_path)
    gateway.kubernetes.add_execution()
    gateway.call(gateway.kubernetes.set_main("terminated"))
    pod = Pod(tmp_path, gateway.url)
    data = os.urandom(30_000_000)
    (pod.output / "large").write_bytes(data)
    process = pod.start()
    outputs = tmp_path / "store" / "cluster" / REF.namespace / REF.uid / "output"
    eventually(lambda: outputs.is_dir() and any(outputs.iterdir()))
    gateway.stop(abruptly=True)
    again = LiveGateway(tmp_path, port=gateway.port, kubernetes=gateway.kubernetes)
    assert finish(process)[0] == 0
    assert stored(again) == {"large": data}
    again.stop()


@pytest.mark.parametrize(
    "wrong",
    [
        {"SX_GATEWAY_URL": ""},
        {"SX_GATEWAY_URL": "ftp://x"},
        {"SX_OUTPUT_LIMIT": "1Gi"},
        {"SX_CANCEL_GRACE": "30s"},
        {"SX_CANCEL_GRACE": "nan"},
    ],
)
def test_the_collector_ends_at_once_with_wrong_settings(tmp_path, wrong):
    code, log = Pod(tmp_path, "http://127.0.0.1:1", **wrong).run()
    assert (code, log[-1]["event"]) == (2, "wrong settings")
