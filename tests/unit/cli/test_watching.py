"""Looking and listening at once."""

import itertools
import threading

import httpx
import pytest

from serviceexecution.cli import watching
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.run import ending
from serviceexecution.cli.watching import LogTrouble, WaitedTooLongError, Watched, watch
from serviceexecution.kube.errors import KubernetesError


def watched(states, log=None, *, after=0):
    looks = itertools.chain(states, itertools.repeat(states[-1]))

    def look():
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    return Watched(look, lambda state: state == "over", lambda state: log if state != "waiting" else None)


def entry(text):
    return {"message": text, "severity": "INFO", "timestamp": ""}


def test_the_last_state_comes_behind_the_last_line():
    seen = list(watch(watched(["waiting", "over"], iter([entry("a"), entry("b")])), pause=0.01))
    assert seen == ["waiting", entry("a"), entry("b"), "over"]


def test_lines_come_between_looks():
    gate = threading.Event()

    def log():
        yield entry("early")
        gate.wait(5)
        yield entry("late")

    seen = []
    for one in watch(watched(["busy", "busy", "busy", "over"], log()), pause=0.05):
        seen.append(one)
        if seen.count("busy") == 2:
            gate.set()
    assert seen[0] == "busy"
    assert seen.index(entry("early")) < seen.index(entry("late")) < seen.index("over")


def test_a_log_that_ends_early_does_not_end_the_watch():
    assert list(watch(watched(["busy", "busy", "over"], iter([entry("a")])), pause=0.01))[-1] == "over"


def test_a_log_that_cannot_be_read_is_told_once():
    def log():
        raise CommandError("no right")
        yield  # type: ignore[unreachable]

    assert LogTrouble("no right") in list(watch(watched(["busy", "over"], log()), pause=0.01))


def test_a_log_without_an_end_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr(watching, "_LAST_LINES_SECONDS", 0.05)
    gate = threading.Event()

    def log():
        gate.wait(5)
        yield entry("never")

    seen = list(watch(watched(["busy", "over"], log()), pause=0.01))
    assert seen == ["busy", LogTrouble("its last lines have not come; they are kept"), "over"]
    gate.set()


def test_the_last_lines_are_waited_for_while_the_way_is_slow():
    gate = threading.Event()

    def log():
        yield entry("a")
        gate.wait(5)
        yield entry("last")

    seen = []
    for one in watch(watched(["busy", "over"], log()), pause=0.01):
        seen.append(one)
        threading.Timer(0.2, gate.set).start()
    assert seen[-2:] == [entry("last"), "over"]


def test_watching_ends_when_its_time_is_over():
    with pytest.raises(WaitedTooLongError):
        list(watch(watched(["busy"]), seconds=0.05, pause=0.01))


def test_a_cluster_that_is_away_for_a_while(monkeypatch):
    away = [httpx.ConnectError("away"), KubernetesError("busy", status=503)]
    assert list(watch(watched(["busy", *away, "over"]), pause=0.01)) == ["busy", "over"]
    monkeypatch.setattr(watching, "_PATIENCE_SECONDS", 0.0)
    with pytest.raises(httpx.ConnectError):
        list(watch(watched(["busy", *away, "over"]), pause=0.01))


def test_a_refusal_is_final():
    with pytest.raises(KubernetesError):
        list(watch(watched(["busy", KubernetesError("no", status=403)]), pause=0.01))


def test_a_wait_that_ends_early_says_how_to_go_on(monkeypatch):
    monkeypatch.setattr(ending, "watch", lambda _: iter(()))
    with pytest.raises(CommandError, match="ask again with sx status or sx result"):
        ending.wait_for_end(lambda: pytest.fail("looked by itself"), patient=True)
