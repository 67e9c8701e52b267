"""What the pods of builds call, and who cannot pass for one."""

import asyncio
import hashlib
import os

import pytest

from serviceexecution.gateway.builds.reports import MAX_REPORT_BYTES
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_DEFINITIONS
from serviceexecution.resources.names import ANNOTATION_SOURCE_DIGEST, LABEL_REVISION
from tests.unit.gateway.builds.build_harness import BUILDER, COUNTED, DIGEST, REPORT, Build
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import is_problem


@pytest.fixture
async def build(tmp_path):
    found = Build(tmp_path)
    yield found
    await found.schemas.close()


class TestSource:
    async def test_the_archive_as_it_was_uploaded(self, build):
        data = b"\x1f\x8b\x08" + os.urandom(3_000_000)
        digest = hashlib.sha256(data).hexdigest()

        async def chunks():
            yield data

        await build.store.sources.write_source(NAMESPACE, digest, chunks())
        build.job["metadata"]["annotations"][ANNOTATION_SOURCE_DIGEST] = f"sha256:{digest}"
        answer = await build.call("GET", "source")
        assert (answer.status_code, answer.content) == (200, data)
        assert answer.headers["content-length"] == str(len(data))
        assert answer.headers["etag"] == f'"{digest}"'

    async def test_a_source_that_is_not_there_is_not_found(self, build):
        answer = await build.call("GET", "source")
        assert is_problem(answer, 404, "SourceNotFound")
        assert DIGEST in answer.json()["detail"]

    async def test_a_build_of_no_archive(self, build):
        del build.job["metadata"]["annotations"]
        assert is_problem(await build.call("GET", "source"), 404, "SourceNotFound")

    async def test_a_build_gets_no_archive_of_another_namespace(self, build):
        async def chunks():
            yield b"\x1f\x8b\x08 other"

        digest = hashlib.sha256(b"\x1f\x8b\x08 other").hexdigest()
        await build.store.sources.write_source("other", digest, chunks())
        build.job["metadata"]["annotations"][ANNOTATION_SOURCE_DIGEST] = f"sha256:{digest}"
        assert is_problem(await build.call("GET", "source"), 404, "SourceNotFound")

    @pytest.mark.parametrize("named", ["sha256:" + "ef" * 32, "../../x", "", "sha256:xyz"])
    async def test_an_annotation_that_was_changed(self, build, named):
        build.say(build.revision(job=build.job, sourceDigest=f"sha256:{DIGEST}"))
        build.job["metadata"]["annotations"][ANNOTATION_SOURCE_DIGEST] = named
        assert is_problem(await build.call("GET", "source"), 403, "NotABuild")


class TestBundle:
    async def test_a_build_gets_the_ca_bundle(self, tmp_path):
        build = Build(tmp_path, build_ca_file=str(tmp_path / "ca.crt"))
        (tmp_path / "ca.crt").write_bytes(b"-----BEGIN CERTIFICATE-----\n")
        answer = await build.call("GET", "ca-bundle")
        assert (answer.status_code, answer.content) == (200, b"-----BEGIN CERTIFICATE-----\n")
        assert answer.headers["content-type"].startswith("application/pem-certificate-chain")

    @pytest.mark.parametrize("kind", ["unset", "missing", "empty"])
    async def test_without_a_ca_bundle_a_build_gets_none(self, tmp_path, kind):
        file = tmp_path / "ca.crt"
        if kind == "empty":
            file.touch()
        build = Build(tmp_path, build_ca_file="" if kind == "unset" else str(file))
        answer = await build.call("GET", "ca-bundle")
        assert (answer.status_code, answer.content) == (204, b"")

    async def test_a_ca_bundle_that_cannot_be_read_is_an_error(self, tmp_path):
        build = Build(tmp_path, build_ca_file=str(tmp_path))
        assert is_problem(await build.call("GET", "ca-bundle"), 503, "BundleUnreadable")


class TestReport:
    async def test_a_report_is_kept_with_the_job_that_it_is_of(self, build):
        answer = await build.report(jobUid="forged", version=7)
        assert (answer.status_code, answer.content) == (204, b"")
        report = await build.store.reports.read(build.ref)
        assert report.job_uid == build.job["metadata"]["uid"]
        assert report.version == 1
        assert (report.succeeded, report.image_digest) == (True, REPORT["imageDigest"])
        assert report.input_schema == REPORT["inputSchema"]
        assert report.seconds.build == 12

    async def test_again_the_same_and_never_another(self, build):
        for _ in range(3):
            assert (await build.report()).status_code == 204
        answer = await build.report(imageDigest=f"sha256:{'00' * 32}")
        assert is_problem(answer, 409, "AlreadyReported")
        assert (await build.store.reports.read(build.ref)).image_digest == REPORT["imageDigest"]

    async def test_again_when_the_build_is_over(self, build):
        await build.report()
        build.say(build.revision(job=build.job, phase="Succeeded"))
        assert (await build.report()).status_code == 204
        assert is_problem(await build.report(message="other"), 410, "BuildGone")

    async def test_a_later_attempt_reports_anew(self, build):
        await build.report(succeeded=False, reason="BuilderFailed", imageDigest=None)
        job = build.add_job("build-2", definition_uid=build.definition["metadata"]["uid"])
        pod = build.add_pod("build-2-x", job)
        build.add_token("second", "build-2-x", pod["metadata"]["uid"])
        second = {"Authorization": "Bearer second"}
        assert is_problem(await build.report(second), 503, "BuildNotRecorded")
        build.say(build.revision(job=job, attempts=2))
        assert (await build.report(second)).status_code == 204
        assert (await build.store.reports.read(build.ref)).job_uid == job["metadata"]["uid"]
        assert is_problem(await build.report(), 503, "BuildNotRecorded")

    async def test_a_report_that_is_too_large_is_refused(self, build):
        answer = await build.report(message="x" * MAX_REPORT_BYTES)
        assert is_problem(answer, 413, "ReportTooLarge")
        assert answer.json()["limit"] == MAX_REPORT_BYTES

        async def unannounced():
            while True:
                yield b" " * 65536

        answer = await build.call("PUT", "report", content=unannounced())
        assert is_problem(answer, 413, "ReportTooLarge")
        assert await build.store.reports.read(build.ref) is None

    async def test_a_report_whose_sender_is_silent_is_given_up(self, tmp_path):
        build = Build(tmp_path, body_idle_seconds=0.05)

        async def silent():
            yield b"{"
            await asyncio.Event().wait()

        assert is_problem(await build.call("PUT", "report", content=silent()), 408, "BodyTimeout")

    async def test_what_is_wrong_is_named(self, build):
        answer = await build.report(imageDigest="x@sha256:1")
        assert is_problem(answer, 400, "InvalidReport")
        assert answer.json()["detail"].startswith("imageDigest: ")
        assert await build.store.reports.read(build.ref) is None


CALLS = [("GET", "source"), ("GET", "ca-bundle"), ("PUT", "report")]


async def refused(build, status, code, headers=BUILDER):
    """All three calls are refused alike, and nothing is kept."""
    for method, path in CALLS:
        more = {"json": REPORT} if method == "PUT" else {}
        answer = await build.call(method, path, headers, **more)
        assert is_problem(answer, status, code)
    assert await build.store.reports.read(build.ref) is None
    return True


class TestWhoIsNoBuild:
    @pytest.mark.parametrize(
        "header",
        [None, "Basic x", "Bearer ", "Bearer nonsense", "Bearer alice-token", "Bearer of-a-collector"],
    )
    async def test_other_tokens_are_no_build_s(self, build, header):
        build.add_token(
            "of-a-collector",
            "build-1-x",
            build.pod["metadata"]["uid"],
            audience="collector.serviceexecution.dev",
        )
        headers = {} if header is None else {"Authorization": header}
        assert await refused(build, 401, "Unauthorized", headers)

    async def test_the_header_of_people_is_not_for_pods(self, build):
        headers = {"X-ServiceExecution-Authorization": BUILDER["Authorization"]}
        assert await refused(build, 401, "Unauthorized", headers)

    async def test_a_token_of_the_audience_that_is_bound_to_no_pod(self, build):
        identity = build.cluster.tokens["builder-token", "builder.serviceexecution.dev"]
        build.cluster.tokens["loose", "builder.serviceexecution.dev"] = type(identity)(identity.username)
        assert await refused(build, 403, "NotABuild", {"Authorization": "Bearer loose"})

    async def test_a_pod_that_is_gone_or_another_one_of_its_name(self, build):
        build.add_token("older", "build-1-x", "older-uid")
        assert await refused(build, 410, "BuildGone", {"Authorization": "Bearer older"})
        del build.cluster.objects[PODS.plural, NAMESPACE, "build-1-x"]
        assert await refused(build, 410, "BuildGone")

    async def test_a_job_that_is_gone_or_another_one_of_its_name(self, build):
        build.pod["metadata"]["ownerReferences"][0]["uid"] = "older-uid"
        assert await refused(build, 410, "BuildGone")
        del build.cluster.objects[JOBS.plural, NAMESPACE, "build-1"]
        assert await refused(build, 410, "BuildGone")

    async def test_a_pod_without_a_job(self, build):
        build.pod["metadata"]["ownerReferences"] = []
        assert await refused(build, 403, "NotABuild")

    @pytest.mark.parametrize(
        "owner",
        [
            {"kind": "ServiceExecution"},
            {"apiVersion": "example.org/v1"},
            {"controller": False},
        ],
    )
    async def test_a_job_of_something_else(self, build, owner):
        build.job["metadata"]["ownerReferences"][0].update(owner)
        assert await refused(build, 403, "NotABuild")

    async def test_a_definition_that_is_gone_or_another_one_of_its_name(self, build):
        build.definition["metadata"]["uid"] = "newer-uid"
        assert await refused(build, 410, "BuildGone")
        del build.cluster.objects[SERVICE_DEFINITIONS.plural, NAMESPACE, SERVICE]
        assert await refused(build, 410, "BuildGone")

    @pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Cancelled", "Superseded"])
    @pytest.mark.parametrize("with_job", [True, False])
    async def test_a_revision_that_is_over(self, build, phase, with_job):
        build.say(build.revision(job=build.job if with_job else None, phase=phase))
        assert await refused(build, 410, "BuildGone")

    async def test_a_revision_that_is_not_listed_any_more(self, build):
        build.say(build.revision("r12", phase="Succeeded"))
        assert await refused(build, 410, "BuildGone")

    async def test_a_job_that_the_controller_has_not_recorded_yet(self, build):
        build.say(build.revision())
        answer = await build.report()
        assert is_problem(answer, 503, "BuildNotRecorded")
        assert answer.headers["retry-after"]
        assert await refused(build, 503, "BuildNotRecorded")
        build.say(build.revision(job=build.job))
        assert (await build.report()).status_code == 204

    async def test_builds_get_503_while_the_api_server_is_down(self, build):
        build.cluster.down = True
        assert await refused(build, 503, "KubernetesUnavailable")


class TestForgery:
    """What somebody can make who may create Jobs and pods in the namespace, but not write the status."""

    def forged(self, build, **owner):
        """A Job that looks like a build's in all that its maker can write, and a pod of it."""
        job = build.add_job("mine", **{"definition_uid": build.definition["metadata"]["uid"], **owner})
        pod = build.add_pod("mine-x", job)
        build.add_token("mine", "mine-x", pod["metadata"]["uid"])
        return job, {"Authorization": "Bearer mine"}

    async def test_a_job_of_the_same_labels_owner_and_revision(self, build):
        _, mine = self.forged(build)
        assert await refused(build, 503, "BuildNotRecorded", mine)

    async def test_a_job_of_a_revision_that_is_yet_to_come(self, build):
        job, mine = self.forged(build)
        job["metadata"]["labels"][LABEL_REVISION] = "r2"
        assert await refused(build, 503, "BuildNotRecorded", mine)

    @pytest.mark.parametrize("label", [None, "r0", "r", "r-1", "serving", "r1 ", "r99999999999"])
    async def test_a_job_of_odd_revisions(self, build, label):
        job, mine = self.forged(build)
        job["metadata"]["labels"] = {} if label is None else {LABEL_REVISION: label}
        assert await refused(build, 503, "BuildNotRecorded", mine)

    async def test_a_pod_beside_the_build_s_own_that_names_its_job(self, build):
        pod = build.add_pod("beside", build.job)
        del pod["metadata"]["labels"][COUNTED]
        build.add_token("beside", "beside", pod["metadata"]["uid"])
        assert await refused(build, 403, "NotABuild", {"Authorization": "Bearer beside"})

    async def test_a_pod_without_the_label_that_kubernetes_alone_may_give(self, build):
        pod = build.add_pod("twin", build.job)  # the Job's controller has not deleted it yet
        del pod["metadata"]["labels"][LABEL_REVISION]
        build.add_token("twin", "twin", pod["metadata"]["uid"])
        assert await refused(build, 403, "NotABuild", {"Authorization": "Bearer twin"})

    async def test_a_pod_that_is_being_deleted(self, build):
        build.pod["metadata"]["deletionTimestamp"] = "2026-11-26T12:00:00Z"
        assert await refused(build, 410, "BuildGone")

    async def test_a_job_without_a_selector_counts_nothing(self, build):
        build.job["spec"] = {}
        assert await refused(build, 403, "NotABuild")

    async def test_labels_of_the_build_s_job_that_were_changed(self, build):
        build.say(build.revision("r2"), build.revision(job=build.job))
        build.job["metadata"]["labels"][LABEL_REVISION] = "r2"
        assert await refused(build, 403, "NotABuild")

    async def test_a_definition_of_another_namespace(self, build):
        """A Job in one namespace cannot name an owner in another: the owner is looked up beside the Job."""
        victim = build.cluster.define(namespace="victim", runtime={"python": {}})
        job, mine = self.forged(build, definition_uid=victim["metadata"]["uid"])
        victim["status"] = {"revisions": [build.revision(job=job)], "lastRevision": 1}
        assert await refused(build, 410, "BuildGone", mine)

    async def test_a_service_account_of_another_namespace(self, build):
        build.add_token("foreign", "build-1-x", build.pod["metadata"]["uid"], namespace="other")
        assert await refused(build, 410, "BuildGone", {"Authorization": "Bearer foreign"})

    async def test_a_build_is_no_collector_and_no_person(self, build):
        for method, path in (("PUT", "/collect/v1/files/f"), ("GET", f"/services/{NAMESPACE}/{SERVICE}")):
            answer = await build.http.request(method, path, headers=BUILDER)
            assert is_problem(answer, 401, "Unauthorized")
        build.cluster.tokens["both", "collector.serviceexecution.dev"] = build.cluster.tokens[
            "builder-token", "builder.serviceexecution.dev"
        ]
        answer = await build.http.put(
            "/collect/v1/files/f", content=b"", headers={"Authorization": "Bearer both"}
        )
        assert is_problem(answer, 403, "NotACollector")
