"""``qhub-api`` 3.3.0, unmodified: the newest build of a service and its log."""

import pytest

from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.resources.reference import revision_reference
from tests.platform.platform_client import LINE, UNKNOWN, refused
from tests.unit.gateway.service_api.service_cluster import NAMESPACE

PACKAGE = "qhub-service"
REVISION = {"name": "r1", "key": "k", "startTime": "2026-11-28T12:00:00Z", "attempts": 2}


@pytest.fixture
def build(platform):
    """Return what makes a service with a build, by the revision's facts."""

    def make(**revision):
        source = {"archive": {"digest": f"sha256:{'0' * 64}"}}
        uid = platform.define("built", runtime={"python": {}}, source=source)
        status = {"observedGeneration": 1, "lastRevision": 1, "revisions": [REVISION | revision]}
        built = {"type": "Built", "status": "False", "reason": "BuildFailed", "message": "No such package."}
        conditions = [built | {"lastTransitionTime": "2026-11-28T12:01:00Z"}]

        async def change():
            body = {"status": status | {"conditions": conditions}}
            platform.service.cluster.change(SERVICE_DEFINITIONS, NAMESPACE, "built", body)
            await platform.service.state.fresh_definition(NAMESPACE, "built")

        platform.gateway.run(change())
        return uid

    return make


@pytest.mark.parametrize(
    ("phase", "status", "step"),
    [
        ("Pending", "WORKING", "INIT"),
        ("Building", "WORKING", "BUILD_IMAGE"),
        ("Succeeded", "SUCCESS", "PUSH_IMAGE"),
        ("Failed", "FAILURE", "BUILD_IMAGE"),
        ("Cancelled", "FAILURE", "BUILD_IMAGE"),
    ],
)
def test_each_state_of_a_build(platform, build, phase, status, step):
    found = platform.client.managed_services.get_managed_service_build_status(build(phase=phase))
    assert (found.status, found.step, found.created_at) == (status, step, "2026-11-28 12:00:00")


def test_a_failed_build_says_why(platform, build):
    uid = build(phase="Failed", reason="DependenciesFailed", completionTime="2026-11-28T12:01:00Z")
    found = platform.client.managed_services.get_managed_service_build_status(uid)
    result = found.validation_result
    assert (result.state, result.messages, found.finished_at) == (
        "ERROR",
        ["No such package."],
        "2026-11-28 12:01:00",
    )
    assert "DependenciesFailed" in result.summary


def test_a_service_that_was_never_built_is_a_typed_404(platform):
    status = platform.client.managed_services.get_managed_service_build_status
    refused("NotFoundError", status, platform.service_id, code="NeverBuilt")
    refused("NotFoundError", status, UNKNOWN)


def test_the_log_is_that_of_the_last_attempt(platform, build):
    uid = build(phase="Failed")
    assert platform.client.managed_services.get_managed_service_build_logs(uid) == []

    async def write():
        reference = revision_reference(NAMESPACE, "built", uid, "r1")
        data = f"{LINE}one\n{LINE}ERROR two\n".encode()
        await platform.service.store.logs.of(reference, 2).write(1, data)

    platform.gateway.run(write())
    entries = platform.client.managed_services.get_managed_service_build_logs(uid)
    assert [(entry.message, entry.severity) for entry in entries] == [("one", "INFO"), ("ERROR two", "ERROR")]


def test_the_log_needs_a_right_of_its_own(platform, build):
    uid = build(phase="Failed")
    platform.service.cluster.allowed = lambda question: question["subresource"] != "log"
    body = refused("ForbiddenError", platform.client.managed_services.get_managed_service_build_logs, uid)
    assert "get servicedefinitions/log" in body["detail"]
