"""The variable SX_BUILDS, the closed list of reasons, names, and what a spec may not say."""

import json
import re

import pytest

from serviceexecution.builder.failures.errors import Reason as BuilderReason
from serviceexecution.builds.choose_builder import choose_builder
from serviceexecution.builds.names import build_job_name, revision_number
from serviceexecution.builds.problems import build_problem
from serviceexecution.builds.reasons import MEANINGS, RETRIED, BuildReason, reported, sentence
from serviceexecution.builds.settings import read_builds
from serviceexecution.process.settings import SettingsError
from serviceexecution.resources.meaning import Owner
from serviceexecution.resources.pods.pod_start import StartFault
from tests.unit.builds.builders import definition, docker_spec, python_spec, settings

LEAST = {
    "image": "builder:1",
    "pythonImage": "python:{version}-1",
    "registry": {"address": "registry.example/x"},
}


def read(**members):
    return read_builds(json.dumps({**LEAST, **members}))


class TestSettings:
    def test_no_settings_are_an_installation_that_builds_nothing(self):
        assert read_builds("{}") is None

    def test_settings_of_builds_have_defaults(self):
        found = read()
        assert (found.builder, found.concurrency, found.timeout) == ("auto", 4, 1800)
        assert (found.limits.archive, found.limits.files) == (100 * 1024**2, 50_000)
        assert (found.registry.push, found.registry.push_host) == ("registry.example/x", "registry.example")
        assert found.python_base("3.12") == "python:3.12-1"
        assert found.allows("anywhere")

    def test_what_the_chart_gives(self):
        found = read(
            timeout="1h",
            limits={"archive": "1Gi", "context": "2Gi", "files": 7, "image": "10G"},
            namespaces=["team"],
            resources={"limits": {"memory": "4Gi"}},
            registry={"address": "localhost:30500", "pushAddress": "r.svc:5000", "insecure": True},
        )
        assert (found.timeout, found.limits.archive, found.limits.image) == (3600, 1024**3, 10**10)
        assert (found.allows("team"), found.allows("other")) == (True, False)
        assert found.registry.push_host == "r.svc:5000"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("nonsense", "SX_BUILDS must be a JSON object"),
            ("[]", "SX_BUILDS: the object"),
            (json.dumps({"image": "x"}), "pythonImage"),
            (json.dumps({**LEAST, "pythonImage": "python:3"}), "pythonImage"),
            (json.dumps({**LEAST, "builder": "kaniko"}), "builder"),
            (json.dumps({**LEAST, "timeout": "soon"}), "timeout"),
            (json.dumps({**LEAST, "limits": {"image": "much"}}), "limits.image"),
            (json.dumps({**LEAST, "concurency": 3}), "concurency"),
            (json.dumps({**LEAST, "concurrency": 0}), "concurrency"),
        ],
    )
    def test_what_is_wrong_is_named(self, text, said):
        with pytest.raises(SettingsError, match=re.escape(said)):
            read_builds(text)


class TestChoice:
    @pytest.mark.parametrize(
        ("asked", "level", "builder"),
        [
            ("auto", "", "buildkit"),
            ("auto", "privileged", "buildkit"),
            ("auto", "baseline", "buildkit"),
            ("auto", "restricted", "buildah"),
            ("buildkit", "restricted", "buildkit"),
            ("buildah", "baseline", "buildah"),
        ],
    )
    def test_the_builder_is_chosen_by_setting_and_namespace(self, asked, level, builder):
        assert choose_builder(settings(builder=asked, seccompProfile="p.json"), level) == (builder, "")

    def test_restricted_needs_a_profile(self):
        builder, why = choose_builder(settings(), "restricted")
        assert builder is None
        assert "builds.seccompProfile" in why
        assert choose_builder(settings(), "baseline")[0] == "buildkit"


class TestReasons:
    def test_each_has_a_sentence_and_somebody_who_can_act(self):
        assert set(MEANINGS) == set(BuildReason)
        for meaning in MEANINGS.values():
            assert re.fullmatch(r"[A-Z].*[.]", meaning.sentence)
            assert meaning.owner in Owner

    def test_all_that_a_builder_or_a_pod_can_say_is_in_the_list(self):
        words = {reason.value for reason in BuildReason}
        assert {reason.value for reason in BuilderReason} <= words
        assert {fault.value for fault in StartFault} <= words

    def test_only_faults_of_the_platform_are_tried_again(self):
        assert {MEANINGS[reason].owner for reason in RETRIED - {BuildReason.SOURCE_MISSING}} == {
            Owner.PLATFORM
        }

    def test_messages_are_one_line(self):
        assert sentence(BuildReason.EVICTED, "a\n b") == "The node evicted the pod of the build. a b"
        assert "\n" not in reported(BuildReason.STEP_FAILED, "x\n" * 5000)
        assert len(reported(BuildReason.STEP_FAILED, "x\n" * 5000)) <= 1500


class TestNames:
    def test_a_long_name_is_cut_and_stays_its_own(self):
        long = definition(name="a" * 200 + ".b")
        name = build_job_name(long.metadata, "r12", 3)
        assert len(name) <= 63
        assert name.endswith("-0a1b2c3d-r12-3")
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)

    @pytest.mark.parametrize(("name", "number"), [("r1", 1), ("r12", 12), ("r0", 0), ("x", 0), ("r1x", 0)])
    def test_a_revision_s_name_holds_its_number(self, name, number):
        assert revision_number(name) == number


class TestProblems:
    @pytest.mark.parametrize(
        "spec",
        [
            docker_spec(),
            python_spec(),
            {"runtime": {"docker": {"image": "sum:1"}}},
            docker_spec(build={"timeout": "1h", "resources": {"limits": {"cpu": "500m"}}}),
            docker_spec(
                runtime={"docker": {"build": {"args": {"A_1": ""}, "secrets": {"x-y.z": {"name": "s"}}}}}
            ),
        ],
    )
    def test_what_can_be_built(self, spec):
        assert build_problem(definition(spec=spec)) is None

    @pytest.mark.parametrize(
        ("spec", "said"),
        [
            ({"runtime": {"python": {}}}, "spec.source"),
            (docker_spec() | {"source": {}}, "spec.source"),
            (docker_spec(build={"timeout": "soon"}), "spec.build.timeout"),
            (docker_spec(build={"timeout": "0s"}), "spec.build.timeout"),
            (
                docker_spec(build={"resources": {"limits": {"memory": "much"}}}),
                "spec.build.resources.limits.memory",
            ),
            (
                docker_spec(runtime={"docker": {"build": {"secrets": {"../x": {"name": "s"}}}}}),
                "spec.runtime.docker.build.secrets",
            ),
            (
                docker_spec(runtime={"docker": {"build": {"args": {"a b": "1"}}}}),
                "spec.runtime.docker.build.args",
            ),
        ],
    )
    def test_a_service_that_cannot_be_built_says_why(self, spec, said):
        found = build_problem(definition(spec=spec))
        assert found is not None
        assert said in found
