"""Python and Dockerfile projects, from an archive to a result, in namespaces of both levels of Pod Security."""

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import JOBS, SERVICE_DEFINITIONS, ResourceKind
from tests.support.builds import ADDER, DOCKERFILE, Builds, result_of, seconds_of, shell_project
from tests.support.cluster import member
from tests.support.sandbox import phase_and_reason

RUN = {"serviceRef": {"name": "service"}, "inputJson": '{"data": {"values": [1, 2, 3]}}'}


@pytest.mark.parametrize(("level", "builder"), [("baseline", "buildkit"), ("restricted", "buildah")])
def test_a_python_project_is_built_and_runs(new_builds, figure, level, builder):
    builds = new_builds(level=level)
    definition = builds.define(ADDER)
    built = builds.succeed()
    assert built["builder"] == builder
    assert str(built["image"]).endswith(f"@{built['imageDigest']}")
    final = builds.sandbox.succeed(RUN)
    assert result_of(final) == {"sum": 6}
    taken = member(final, "status", "service")
    assert member(taken, "revision") == "r1"
    assert member(taken, "imageDigest") == built["imageDigest"]
    assert member(taken, "sourceDigest") == built["sourceDigest"]
    assert "adding 3 values" in builds.gateway.log(builds.sandbox.name, "run", builds.token)

    changed = {**ADDER, "src/program.py": str(ADDER["src/program.py"]).replace("'sum':", "'total':")}
    builds.change(source=changed)
    again = builds.succeed("r2")
    assert result_of(builds.sandbox.succeed(RUN, name="second")) == {"total": 6}
    figure(
        f"Python project with {builder} ({level}): first build {seconds_of(built):.0f} s, "
        f"after a change of its code {seconds_of(again):.0f} s"
    )
    builds.wait_until_clean(definition)


@pytest.mark.parametrize(("level", "builder"), [("baseline", "buildkit"), ("restricted", "buildah")])
def test_a_dockerfile_project_is_built_and_runs(new_builds, figure, level, builder):
    builds = new_builds(level=level)
    runtime = {"docker": {"build": {"target": "program", "args": {"GREETING": "hello"}}}}
    files = {
        "Dockerfile": (
            "FROM docker.io/library/busybox:1.35.0 AS program\n"
            "ARG GREETING=nothing\n"
            'RUN mkdir /data && printf \'{"text": "%s"}\' "$GREETING" > /data/text.json\n'
            'CMD ["cp", "/data/text.json", "/var/runtime/output/output.json"]\n'
            "FROM program AS other\n"
            "RUN false\n"
        )
    }
    definition = builds.define(files, runtime)
    built = builds.succeed()
    assert built["builder"] == builder
    final = builds.sandbox.succeed({"serviceRef": {"name": "service"}})
    assert result_of(final) == {"text": "hello"}
    figure(f"Dockerfile project with {builder} ({level}): first build {seconds_of(built):.0f} s")
    builds.wait_until_clean(definition)


def test_users_and_owners_in_a_dockerfile(builds: Builds):
    """What buildah cannot do with a single user, BuildKit can."""
    files = shell_project(
        "owned", "RUN mkdir /owned && touch /owned/file && chown -R 1234:33 /owned", "USER 1234"
    )
    builds.define(files, DOCKERFILE)
    builds.succeed()
    spec: JsonObject = {"serviceRef": {"name": "service"}, "securityContext": {"runAsUser": 65532}}
    assert result_of(builds.sandbox.succeed(spec)) == {"text": "owned"}


def test_what_was_built_is_not_built_again(builds: Builds):
    one, two = shell_project("one"), shell_project("two")
    definition = builds.define(one, DOCKERFILE)
    builds.succeed("r1")
    builds.change(source=two)
    builds.succeed("r2")
    builds.change(source=one)
    builds.sandbox.cluster.wait_for(
        *_definitions(builds),
        lambda item: member(item, "status", "revision") == "r1",
        seconds=60,
        what="the first revision serves again",
    )
    assert member(builds.definition(), "status", "lastRevision") == 2
    assert builds.sandbox.cluster.select(JOBS, builds.sandbox.name) == []
    final = builds.sandbox.succeed({"serviceRef": {"name": "service"}})
    assert result_of(final) == {"text": "one"}
    builds.wait_until_clean(definition)


def test_the_last_good_one_serves_while_a_new_one_fails_and_a_name_goes_back(builds: Builds):
    builds.define(shell_project("one"), DOCKERFILE)
    builds.succeed("r1")
    builds.change(source=shell_project("two"))
    builds.succeed("r2")
    builds.change(source={"Dockerfile": "FROM docker.io/library/busybox:1.35.0\nRUN exit 7\n"})
    failed = builds.wait_for_end("r3")
    assert (failed["phase"], failed["reason"]) == ("Failed", "StepFailed")
    final = builds.sandbox.run({"serviceRef": {"name": "service"}})
    assert result_of(final) == {"text": "two"}
    builds.change(revision="r1")
    builds.sandbox.cluster.wait_for(
        *_definitions(builds),
        lambda item: member(item, "status", "revision") == "r1",
        seconds=60,
        what="the named revision serves",
    )
    final = builds.sandbox.run({"serviceRef": {"name": "service"}}, name="back")
    assert phase_and_reason(final) == ("Succeeded", "Succeeded")
    assert result_of(final) == {"text": "one"}
    assert member(final, "status", "service", "revision") == "r1"


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_project_runs_on_its_version_of_python(new_builds, level):
    """Each runs on its own; one that the installation has no base for is said in a sentence."""
    builds = new_builds(level=level)
    program = (
        "import sys\nfrom typing import Any, Dict\n\n\n"
        "def run() -> Dict[str, Any]:\n    return {'version': list(sys.version_info[:2])}\n"
    )
    builds.define({**ADDER, "src/program.py": program}, {"python": {"version": "3.13"}})
    builds.succeed("r1")
    run = {"serviceRef": {"name": "service"}, "inputJson": "{}"}
    assert result_of(builds.sandbox.succeed(run)) == {"version": [3, 13]}
    builds.change(runtime={"python": {"version": "3.12"}})
    missing = builds.wait_for_end("r2")
    assert (missing["phase"], missing["reason"]) == ("Failed", "BaseImageNotFound")
    assert "python:3.12-" in str(missing["message"])
    builds.change(runtime={"python": {"version": "3.11"}})
    builds.succeed("r3")
    assert result_of(builds.sandbox.succeed(run, name="second")) == {"version": [3, 11]}


def _definitions(builds: Builds) -> tuple[ResourceKind, str, str]:
    return SERVICE_DEFINITIONS, builds.sandbox.name, "service"
