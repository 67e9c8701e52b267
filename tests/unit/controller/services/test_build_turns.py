"""How many builds run at once, and which builder a namespace allows."""

from typing import Any, cast

from serviceexecution.controller.services.pod_security import NamespaceLevels
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from tests.support.api_server.requests import Request, refusal
from tests.unit.controller.build_harness import BuildWorld


class TestConcurrency:
    async def test_ten_services_two_at_a_time(self, builds_two: BuildWorld):
        builds = builds_two
        await builds.upload("a")
        for number in range(10):
            builds.define(f"s{number}")
            builds.wait(1)
        most = 0
        for _ in range(12):
            await builds.settle()
            most = max(most, len(builds.jobs()))
            builds.start_pods()
            await builds.settle()
            await builds.finish()
            if _ == 4:
                builds.start()  # a restart counts from what is said
        assert most == 2
        assert {builds.newest(f"s{number}").phase.value for number in range(10)} == {"Succeeded"}
        order = [name.split("-")[1] for name in builds.created_jobs()]
        assert order == [f"s{number}" for number in range(10)]

    async def test_what_lacks_its_source_holds_nobody_up(self, builds_two: BuildWorld):
        builds = builds_two
        await builds.upload("a")
        for number in range(3):
            builds.define(f"missing{number}", source="b")
        builds.define("here")
        await builds.settle()
        assert builds.newest("here").phase == "Building"

    async def test_a_deleted_service_makes_room(self, builds_two: BuildWorld):
        builds = builds_two
        await builds.upload("a")
        for name in ("first", "second", "third"):
            builds.define(name)
            builds.wait(1)
        await builds.settle()
        assert builds.newest("third").reason == "Queued"
        builds.kubernetes.remove(SERVICE_DEFINITIONS, "team", "first")
        await builds.settle()
        assert builds.newest("third").phase == "Building"

    async def test_one_at_a_time_has_the_cache(self, builds_two: BuildWorld):
        builds = builds_two
        await builds.upload("a")
        cache = {"persistentVolumeClaim": {"claimName": "downloads"}}
        for name in ("one", "two"):
            builds.define(name, build={"cache": cache})
        await builds.settle()
        with_cache = [
            job["metadata"]["name"]
            for job in builds.jobs()
            if any(volume["name"] == "cache" for volume in job["spec"]["template"]["spec"]["volumes"])
        ]
        assert len(builds.jobs()) == 2
        assert len(with_cache) == 1


class TestNamespaces:
    async def test_restricted_is_built_by_buildah(self, builds_profile: BuildWorld):
        builds = builds_profile
        enforce(builds, "restricted")
        await builds.upload("a")
        builds.define()
        await builds.settle()
        (job,) = builds.jobs()
        (main,) = job["spec"]["template"]["spec"]["containers"]
        assert main["securityContext"]["allowPrivilegeEscalation"] is False
        assert builds.newest().builder == "buildah"

    async def test_restricted_without_a_profile_says_what_to_do(self, builds: BuildWorld):
        enforce(builds, "restricted")
        await builds.upload("a")
        builds.define()
        await builds.settle()
        assert builds.newest().reason == "NoBuilder"
        assert "builds.seccompProfile" in builds.condition("Ready")[2]

    async def test_a_namespace_s_level_is_asked_for_once_a_minute(self, builds: BuildWorld):
        clock = [0.0]
        levels = NamespaceLevels(cast("KubernetesClient", builds.kubernetes), lambda: clock[0])
        enforce(builds, "baseline")
        assert await levels.enforced("team") == "baseline"
        enforce(builds, "restricted")
        assert await levels.enforced("team") == "baseline"
        clock[0] = 61
        assert await levels.enforced("team") == "restricted"
        assert await levels.enforced("nowhere") == ""

    async def test_what_they_said_holds_while_they_may_not_be_asked(self, builds: BuildWorld):
        clock = [0.0]
        levels = NamespaceLevels(cast("KubernetesClient", builds.kubernetes), lambda: clock[0])
        enforce(builds, "restricted")
        assert await levels.enforced("team") == "restricted"

        def refuse(request: Request, when: str) -> None:
            raise refusal(403, "namespaces is forbidden")

        builds.kubernetes.hook = refuse
        clock[0] = 61
        assert await levels.enforced("team") == "restricted"

    async def test_without_the_right_to_read_namespaces_builds_go_on(self, builds: BuildWorld):
        def refuse(request: Request, when: str) -> None:
            if request.resource == "namespaces":
                raise refusal(403, "namespaces is forbidden")

        builds.kubernetes.hook = refuse
        await builds.upload("a")
        builds.define()
        await builds.build()
        assert builds.newest().builder == "buildkit"


def enforce(builds: BuildWorld, level: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level}
    body: Any = {"metadata": {"name": "team", "labels": labels}}
    builds.kubernetes.objects["namespaces", None, "team"] = body
