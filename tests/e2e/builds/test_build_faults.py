"""What goes wrong around builds: kills, many at once, changes, cancel, timeout, a registry that is away."""

import itertools

import pytest

from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_DEFINITIONS
from tests.support.builds import (
    BUSYBOX,
    DOCKERFILE,
    Builds,
    result_of,
    revision_of,
    seconds_of,
    shell_project,
)
from tests.support.cluster import member
from tests.support.operator import Operator

SLOW = {"Dockerfile": f"FROM {BUSYBOX}\nRUN echo started && sleep 600\n"}


def test_five_changes_in_a_second(builds: Builds):
    definition = builds.define(shell_project("0"), DOCKERFILE)
    sources = [builds.uploaded(shell_project(str(number))) for number in range(1, 6)]
    for source in sources:
        builds.change(source=source)
    digest = str(member(sources[-1], "archive", "digest"))
    final = builds.sandbox.cluster.wait_for(
        SERVICE_DEFINITIONS,
        builds.sandbox.name,
        "service",
        lambda item: any(
            one.get("sourceDigest") == digest and one.get("phase") == "Succeeded"
            for one in member(item, "status", "revisions") or []
        ),
        seconds=240,
        what="the last change is built",
    )
    serving = revision_of(final, str(member(final, "status", "revision")))
    assert serving["sourceDigest"] == digest
    others = [one for one in member(final, "status", "revisions") if one["name"] != serving["name"]]
    assert {one["phase"] for one in others} <= {"Superseded", "Succeeded"}, others
    result = builds.sandbox.succeed({"serviceRef": {"name": "service"}})
    assert result_of(result) == {"text": "5"}
    builds.wait_until_clean(definition)


@pytest.mark.load
@pytest.mark.alone
@pytest.mark.timeout(900, func_only=True)
def test_ten_builds_at_once(builds: Builds, figure):
    names = [f"service-{number}" for number in range(10)]
    definitions = [
        builds.define(shell_project(name, f"RUN echo {name}"), DOCKERFILE, name=name) for name in names
    ]
    ended = [builds.succeed("r1", name, seconds=800) for name in names]
    assert len({one["imageDigest"] for one in ended}) == 10
    spans = sorted((str(one["buildTime"]), str(one["completionTime"])) for one in ended)
    most = max(sum(start <= moment < end for start, end in spans) for moment in itertools.chain(*spans))
    assert most <= 4, "the installation's bound of concurrent builds"
    for definition in definitions:
        builds.wait_until_clean(definition)
    figure(
        f"ten Dockerfile builds at once: the last ended after {max(map(seconds_of, ended)):.0f} s, "
        f"at most {most} at a time"
    )


@pytest.mark.alone
def test_controller_killed_during_builds(builds: Builds, operator: Operator):
    files = shell_project("survived", "RUN echo one && sleep 15 && echo two")
    definition = builds.define(files, DOCKERFILE)
    builds.wait_for_phase("Building")
    killed = operator.kill("controller")
    operator.wait_until_ready(not_uids=killed)
    built = builds.succeed()
    assert built["attempts"] == 1
    log = builds.log()
    assert "one" in log
    assert "two" in log
    builds.wait_until_clean(definition)
    result = builds.sandbox.succeed({"serviceRef": {"name": "service"}})
    assert result_of(result) == {"text": "survived"}


def test_cancel_keeps_the_log(builds: Builds):
    definition = builds.define(SLOW, DOCKERFILE)
    builds.wait_for_phase("Building")
    _wait_for_log(builds, "started")
    builds.change(build={"cancel": "r1"})
    ended = builds.wait_for_end(seconds=60)
    assert (ended["phase"], ended["reason"]) == ("Cancelled", "Cancelled")
    assert "started" in builds.log()
    builds.wait_until_clean(definition)


def test_a_build_that_takes_too_long_fails_with_timeout(builds: Builds):
    definition = builds.define(SLOW, DOCKERFILE, build={"timeout": "10s"})
    ended = builds.wait_for_end(seconds=120)
    assert (ended["phase"], ended["reason"]) == ("Failed", "Timeout")
    assert "10s" in str(ended["message"]) or "10 s" in str(ended["message"])
    builds.wait_until_clean(definition)


def test_a_pod_that_is_deleted_is_tried_again(builds: Builds):
    definition = builds.define(shell_project("again", "RUN sleep 10"), DOCKERFILE)
    builds.wait_for_phase("Building")
    pods = builds.sandbox.cluster.wait_for_all(
        PODS,
        builds.sandbox.name,
        lambda found: any(member(pod, "status", "phase") == "Running" for pod in found.values()),
        seconds=60,
        what="the build's pod runs",
    )
    for name in pods:
        builds.sandbox.cluster.delete(PODS, builds.sandbox.name, name, grace_seconds=0)
    assert builds.succeed()["attempts"] == 2
    builds.wait_until_clean(definition)


def test_a_deleted_service_takes_its_build_with_it(builds: Builds):
    definition = builds.define(SLOW, DOCKERFILE)
    _wait_for_log(builds, "started")
    builds.sandbox.cluster.delete(SERVICE_DEFINITIONS, builds.sandbox.name, "service")
    builds.wait_until_clean(definition)
    assert builds.sandbox.cluster.select(JOBS, builds.sandbox.name) == []


def _wait_for_log(builds: Builds, text: str) -> None:
    """Wait until the build has printed the text, as somebody who watches it live."""
    pods = builds.sandbox.cluster.wait_for_all(
        PODS,
        builds.sandbox.name,
        lambda found: any(member(pod, "status", "phase") == "Running" for pod in found.values()),
        seconds=90,
        what="the build's pod runs",
    )
    builds.sandbox.cluster.follow_log_until(builds.sandbox.name, next(iter(pods)), "main", text, seconds=90)
