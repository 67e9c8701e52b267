"""Executions of services that are built."""

from typing import Any

from tests.unit.builds.builders import IMAGE_DIGEST
from tests.unit.controller.build_harness import BuildWorld, digest_of

PYTHON: Any = {"runtime": {"docker": None, "python": {}}}


class TestExecutions:
    async def test_executions_take_what_serves_by_digest(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define(timeout="1h")
        await builds.build(commit="c" * 40)
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        taken = builds.execution.status.service
        assert taken is not None
        assert (taken.revision, taken.image_digest, taken.source_digest) == (
            "r1",
            IMAGE_DIGEST,
            digest_of("a"),
        )
        assert taken.commit == "c" * 40
        image = f"localhost:30500/team/adder@{IMAGE_DIGEST}"
        assert taken.fields["runtime"] == {"docker": {"image": image, "imagePullPolicy": "IfNotPresent"}}
        assert "securityContext" not in taken.fields
        main = main_container(builds)
        assert (main["image"], main["imagePullPolicy"]) == (image, "IfNotPresent")

    async def test_executions_of_python_have_a_read_only_root(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define(**PYTHON, env=[{"name": "LOG_LEVEL", "value": "DEBUG"}])
        await builds.build()
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        main = main_container(builds)
        assert main["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"name": "LOG_LEVEL", "value": "DEBUG"} in main["env"]

    async def test_executions_of_python_may_write_to_the_root_if_the_service_says_so(
        self, builds: BuildWorld
    ):
        await builds.upload("a")
        builds.define(**PYTHON, securityContext={"readOnlyRootFilesystem": False, "runAsUser": 1234})
        await builds.build()
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        assert main_container(builds)["securityContext"]["readOnlyRootFilesystem"] is False

    async def test_command_and_registry_login_are_passed_on(self, builds_login: BuildWorld):
        builds = builds_login
        await builds.upload("a")
        builds.define(
            runtime={"docker": {"build": {}, "args": ["--fast"], "imagePullPolicy": "Always"}},
            imagePullSecrets=[{"name": "own"}],
        )
        await builds.build()
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        (job,) = builds.run_jobs()
        pod = job["spec"]["template"]["spec"]
        assert pod["imagePullSecrets"] == [{"name": "own"}, {"name": "login"}]
        assert pod["containers"][1]["args"] == ["--fast"]
        assert pod["containers"][1]["imagePullPolicy"] == "Always"

    async def test_executions_wait_for_the_first_image(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.settle()
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        assert builds.said() == ("Pending", "ServiceNotReady")
        assert "The first image is being built. r1: " in (builds.execution.status.message or "")
        builds.wait(300)  # longer than for what may never come
        await builds.controller.run()
        assert builds.said() == ("Pending", "ServiceNotReady")
        builds.start_pods()
        await builds.finish()
        await builds.settle()
        await builds.controller.run()
        assert builds.said() == ("Pending", "Starting")

    async def test_executions_fail_with_the_build_s_sentence(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.build("StepFailed", message="RUN make ended with 2.")
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        builds.wait(61)
        await builds.controller.run()
        assert builds.said() == ("Failed", "ServiceNotReady")
        assert "RUN make ended with 2." in (builds.execution.status.message or "")

    async def test_inputs_are_checked_against_the_signature(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        schema = {"type": "object", "required": ["other"]}
        await builds.build(input_schema=schema, output_schema={"type": "array"})
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        assert builds.said() == ("Failed", "InvalidInput")

    async def test_results_are_not_held_against_a_return_annotation(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define()
        await builds.build(output_schema={"type": "object"})
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        assert builds.execution.status.service is not None
        assert builds.execution.status.service.output_schema is None

    async def test_results_are_checked_against_a_schema_of_the_service_s_own(self, builds: BuildWorld):
        await builds.upload("a")
        builds.define(inputSchema={"type": "object"}, outputSchema={"type": "number"})
        await builds.build(input_schema={"required": ["other"]}, output_schema={"type": "array"})
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        assert builds.said() == ("Pending", "Starting")
        assert builds.execution.status.service is not None
        assert builds.execution.status.service.output_schema == {"type": "number"}

    async def test_what_was_taken_stays_when_another_revision_serves(self, builds: BuildWorld):
        await builds.upload("a", "b")
        builds.define()
        await builds.build()
        builds.apply(runtime=None, serviceRef={"name": "adder"})
        await builds.controller.run()
        builds.redefine(source="b")
        await builds.build(image_digest=f"sha256:{'2' * 64}")
        await builds.controller.run()
        assert builds.execution.status.service is not None
        assert builds.execution.status.service.revision == "r1"
        assert main_container(builds)["image"].endswith(IMAGE_DIGEST)


def main_container(builds: BuildWorld) -> Any:
    (job,) = builds.run_jobs()
    return job["spec"]["template"]["spec"]["containers"][1]
