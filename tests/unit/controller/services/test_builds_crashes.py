"""A controller that is killed before or after any of its writes: the end is the same, one Job per attempt."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serviceexecution.kube.kinds import JOBS, PODS
from serviceexecution.resources.services.definition_status import RevisionPhase
from tests.support.api_server.requests import WRITES, Crash, Request
from tests.unit.controller.build_harness import BuildWorld
from tests.unit.controller.harness import Clock


class Killer:
    """Ends the controller's process at one of its writes."""

    def __init__(self, number: int, when: str) -> None:
        self._left = number
        self._when = when
        self.killed = False

    def __call__(self, request: Request, when: str) -> None:
        if request.verb not in WRITES or request.resource == "events" or when != self._when or self.killed:
            return
        self._left -= 1
        if self._left == 0:
            self.killed = True
            raise Crash


async def work(builds: BuildWorld) -> None:
    """Let the controller work; when it is killed, another one begins with nothing in its head."""
    for _ in range(5):
        try:
            await builds.settle()
        except Crash:
            builds.start()
        else:
            return
    raise AssertionError("it is killed again and again")


async def drive(builds: BuildWorld) -> None:
    """Let a first build fail by a lost pod, succeed at the second attempt, and be superseded by another source."""
    await builds.upload("a", "b")
    builds.define()
    await work(builds)
    builds.start_pods()
    await work(builds)
    await builds.finish("BuilderFailed", message="It fell over.")
    await work(builds)
    builds.wait(11)
    await work(builds)
    builds.start_pods()
    await work(builds)
    builds.redefine(source="b")
    await work(builds)
    builds.start_pods()
    await work(builds)
    builds.obey_deadlines()
    await builds.keep_logs()
    await work(builds)
    await builds.finish()
    await work(builds)
    builds.wait(120)
    await work(builds)


def end_of(builds: BuildWorld):
    return [
        (one.name, one.phase, one.reason, one.attempts, one.source_digest, one.image)
        for one in builds.status().revisions
    ]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 23))
async def test_killed_at_any_write(builds: BuildWorld, number, when):
    plain = BuildWorld(builds.clock)
    began = builds.clock.seconds
    await drive(plain)
    builds.clock.seconds = began
    killer = Killer(number, when)
    builds.kubernetes.hook = killer
    await drive(builds)
    for controller in plain.controllers:
        await controller.checker.close()
    assert end_of(builds) == end_of(plain)
    assert builds.status().revision == plain.status().revision == "r2"
    assert builds.jobs() == builds.pods() == []
    # What was asked for before a kill may be asked for again; what was made was made once.
    assert builds.kubernetes.created["jobs"] == 3
    assert killer.killed == (number <= len(plain.kubernetes.writes()))


_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600}
_ENDS: Final = {"succeed": "Succeeded", "fail": "StepFailed", "fall over": "BuilderFailed"}
_CHANGES: Final[dict[str, Callable[[BuildWorld], dict[str, Any]]]] = {
    "a": lambda _: {"source": "a"},
    "b": lambda _: {"source": "b"},
    "c": lambda _: {"source": "c"},
    "token": lambda builds: {"build": {"token": str(builds.kubernetes.version)}},
    "cancel": lambda builds: {"build": {"cancel": f"r{builds.status().last_revision or 1}"}},
    "uncancel": lambda _: {"build": {"cancel": None}},
    "pin": lambda _: {"revision": "r1"},
    "unpin": lambda _: {"revision": None},
    "image": lambda _: {"runtime": {"docker": {"build": None, "image": "sum:1"}}},
    "build": lambda _: {"runtime": {"docker": {"build": {}, "image": None}}},
    "timeout": lambda _: {"build": {"timeout": "30s"}},
}
_LIKELY: Final = frozenset({"start", "succeed", "fall over", "log", "obey", "second", "other"})


class History:
    """Whatever may happen to two services and their builds, one build at a time."""

    def __init__(self, builds: BuildWorld) -> None:
        self.builds = builds
        self.made: Counter[str] = Counter()

    def possible(self) -> list[str]:
        """Return what may happen next, several times what should happen often: progress, and looking."""
        builds = self.builds
        running, stopped = bool(self.running()), bool(self.stopped())
        guards = {
            "start": len(builds.pods()) < len(builds.jobs()),
            **dict.fromkeys((*_ENDS, "evict"), running),
            "obey": stopped,
            "log": any(pod["status"]["phase"] in {"Succeeded", "Failed"} for pod in builds.pods()),
            "vanish": bool(builds.pods()),
            "lose job": bool(builds.jobs()),
            "other": ("servicedefinitions", "team", "other") not in builds.kubernetes.objects,
            **dict.fromkeys((*_CHANGES, *_SECONDS, "restart", "kill"), True),
        }
        events = [event for event, can in guards.items() if can]
        likely = [event for event in events if event in _LIKELY]
        return events + likely * 6 + ["look"] * 20

    async def step(self, event: str) -> None:
        """Let something happen that is possible."""
        if event in _CHANGES:
            self.builds.redefine(**_CHANGES[event](self.builds))
        elif event in _SECONDS:
            self.builds.wait(_SECONDS[event])
        elif event in _ENDS:
            for pod in self.running()[:1]:
                await self.builds.report(pod, _ENDS[event])
                self.builds.end_pod(pod, 0 if event == "succeed" else 1)
        else:
            await getattr(self, event.replace(" ", "_"))()

    def running(self) -> list[Any]:
        """Return the pods whose program runs."""
        return [pod for pod in self.builds.pods() if pod["status"]["phase"] == "Running"]

    def stopped(self) -> list[Any]:
        """Return the pods that were stopped and have not ended."""
        return [pod for pod in self.running() if pod["spec"].get("activeDeadlineSeconds") == 1]

    async def start(self) -> None:
        self.builds.start_pods()

    async def vanish(self) -> None:
        for pod in self.builds.pods()[:1]:
            self.builds.kubernetes.remove(PODS, "team", pod["metadata"]["name"])

    async def evict(self) -> None:
        for pod in self.running()[:1]:
            evicted: Any = {"phase": "Failed", "reason": "Evicted", "containerStatuses": []}
            self.builds.kubernetes.change(PODS, "team", pod["metadata"]["name"], {"status": evicted})

    async def lose_job(self) -> None:
        for job in self.builds.jobs()[:1]:
            self.builds.kubernetes.remove(JOBS, "team", job["metadata"]["name"])

    async def log(self) -> None:
        await self.builds.keep_logs()

    async def obey(self) -> None:
        self.builds.obey_deadlines()

    async def restart(self) -> None:
        self.builds.start()

    async def kill(self) -> None:
        self.builds.kubernetes.hook = Killer(1 + self.builds.kubernetes.version % 4, "after")
        await self.look()
        self.builds.kubernetes.hook = None

    async def other(self) -> None:
        if ("servicedefinitions", "team", "other") not in self.builds.kubernetes.objects:
            self.builds.define("other")

    async def look(self) -> None:
        """Let the controller work; what it says is true, and it keeps to its bounds."""
        before = {one.name: one for one in self.builds.status().revisions}
        await work(self.builds)
        self.check(before)

    def check(self, before) -> None:
        builds = self.builds
        status = builds.status()
        active = [one for one in status.revisions if not one.phase.terminal]
        assert len(active) <= 1, "one build of a service at a time"
        assert len(status.revisions) <= 11
        names = [int(one.name[1:]) for one in status.revisions]
        assert names == sorted(names, reverse=True)
        assert status.last_revision >= max(names, default=0)
        assert len(status.conditions) in {1, 4}
        busy = [
            service
            for service in ("adder", "other")
            if ("servicedefinitions", "team", service) in builds.kubernetes.objects
            and any(one.phase is RevisionPhase.BUILDING for one in builds.status(service).revisions)
        ]
        assert len(busy) <= 1, "the installation builds one at a time"
        one_was_built = any(one.phase is RevisionPhase.SUCCEEDED for one in status.revisions)
        definition = builds.definition()
        if definition.is_built and definition.spec.revision is None and one_was_built:
            assert status.revision is not None, "what was built once serves until something newer does"
        if status.revision is not None:
            assert status.serving is not None
            assert status.serving.phase is RevisionPhase.SUCCEEDED
            assert status.image == status.serving.image
        for one in status.revisions:
            was = before.get(one.name)
            if was is not None and was.phase.terminal:
                assert one.model_copy(update={"log": None}) == was.model_copy(update={"log": None})
        for name, count in Counter(builds.created_jobs()).items():
            self.made[name] = count

    async def settle(self) -> None:
        """Leave everything alone until it has come to its end."""
        builds = self.builds
        builds.redefine(
            build={"cancel": None, "timeout": None}, runtime={"docker": {"build": {}, "image": None}}
        )
        for _ in range(12):
            await self.look()
            builds.start_pods()
            await self.look()
            await builds.finish()
            await self.look()
            builds.wait(61)
            builds.obey_deadlines()
            await builds.keep_logs()
            await self.look()
            await builds.finish()
            builds.wait(61)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
async def test_every_history_ends_with_an_image_that_serves_and_leaves_nothing(random):
    builds = BuildWorld(Clock(), concurrency=1)
    await builds.upload("a", "b", "c")
    builds.define()
    history = History(builds)
    for _ in range(30):
        await history.step(random.choice(history.possible()))
    await history.settle()
    status, spec = builds.status(), builds.definition().spec
    newest = status.revisions[0]
    assert builds.jobs() == [], "nothing leaks"
    assert newest.phase.terminal
    if newest.phase is RevisionPhase.SUCCEEDED and spec.revision is None:
        served = status.serving
        assert served is not None
        assert spec.source is not None
        assert spec.source.archive is not None
        assert served.source_digest == spec.source.archive.digest, "the last one wins"
    assert all(count <= 1 for count in history.made.values()), "one Job per attempt"
    for controller in builds.controllers:
        await controller.checker.close()
