"""The collector in a process namespace that it shares with the program, as in a pod."""

import time
from pathlib import Path

from tests.processes.collector.live import eventually, stored, uploaded
from tests.processes.collector.shared_pod import SharedPod, needs_namespaces

pytestmark = needs_namespaces


def ended(log):
    return [line["seen"] for line in log if line["event"] == "main has ended"]


def test_end_is_seen_in_the_process_namespace(gateway, pod):
    gateway.call(gateway.kubernetes.set_main("running"))
    code, log = SharedPod(pod, "sleep 0.5; echo '{}' > output.json").finish()
    assert (code, ended(log)) == (0, ["processes"])
    assert stored(gateway) == {"output.json": b"{}\n"}


def test_program_that_was_too_quick_is_known_from_the_gateway(gateway, pod):
    code, log = SharedPod(pod).finish()
    assert (code, ended(log)) == (0, ["gateway"])


def test_a_persons_shell_is_not_the_program(gateway, pod):
    gateway.call(gateway.kubernetes.set_main("waiting"))
    shared = SharedPod(pod, "sleep 0.2")
    time.sleep(0.8)
    assert shared.process.poll() is None
    assert stored(gateway) is None
    (pod.output / "f").write_text("1")
    gateway.call(gateway.kubernetes.set_main("terminated"))
    code, log = shared.finish()
    assert (code, ended(log)) == (0, ["gateway"])
    assert stored(gateway) == {"f": b"1"}


def test_a_shell_that_stays_open_does_not_hold_up_the_result(gateway, pod):
    pod.environment["SX_POLL_SECONDS"] = "0"
    gateway.call(gateway.kubernetes.set_main("running"))
    shared = SharedPod(pod, "sleep 60")
    eventually(lambda: gateway.kubernetes.reviews)
    gateway.call(gateway.kubernetes.set_main("terminated"))
    code, log = shared.finish()
    assert (code, ended(log)) == (0, ["gateway"])


def test_program_that_ignores_sigterm_is_killed_after_its_grace(gateway, pod):
    pod.environment["SX_CANCEL_GRACE"] = "1"
    gateway.call(gateway.kubernetes.set_main("running"))
    shared = SharedPod(pod, "trap '' TERM; echo 1 > partial; sleep 60")
    eventually((pod.output / "partial").exists)
    eventually(lambda: gateway.kubernetes.reviews)
    shared.terminate()
    eventually(lambda: uploaded(gateway))
    assert stored(gateway) is None
    code, log = shared.finish()
    assert (code, ended(log)) == (0, ["processes"])
    assert any(line["event"] == "the grace period is over" and line["killed"] for line in log)
    assert stored(gateway) == {"partial": b"1\n"}


def test_idle_collector_does_not_wake_up_often(gateway, pod):
    gateway.call(gateway.kubernetes.set_main("running"))
    shared = SharedPod(pod, "sleep 2.5")
    eventually(lambda: gateway.kubernetes.reviews)
    time.sleep(0.5)  # it has found the program and waits for its end
    before = switches(shared.process.pid)
    time.sleep(1)
    assert switches(shared.process.pid) - before <= 3
    assert shared.finish()[0] == 0


def switches(number):
    """Return how often the processes below ``number`` went to sleep."""
    total = 0
    for child in Path(f"/proc/{number}/task/{number}/children").read_text().split():
        status = Path(f"/proc/{child}/status").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in status if line.startswith("voluntary"))
        total += switches(child)
    return total
