"""``sx deploy`` from a folder to a serving revision, against a cluster in memory."""

import io
import json
import tarfile
import threading

import pytest

from tests.support.polling import poll_until
from tests.unit.cli.endings import built

DIGEST_FIELD = ("spec", "source", "archive", "digest")
SX = "/apis/serviceexecution.dev/v1alpha1/namespaces/team-a/servicedefinitions/plot"


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "plot"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "program.py").write_text("def run(data: dict): ...\n")
    (folder / "requirements.txt").write_text("")
    return folder


def test_from_a_folder_to_a_url(cluster, sx, project):
    (project / "sx.yaml").write_text("spec: {timeout: 5m}\n")
    (project / "input.json").write_text("{}")
    cluster.after_apply = built
    code, out, err = sx("deploy", project)
    assert code == 0
    assert out.splitlines() == [
        "plot serves r1: https://services.example.com/services/team-a/plot",
        f"Run it with: sx run plot -d @{project}/input.json",
    ]
    [(digest, archive)] = cluster.sources.items()
    assert "3 files" in err
    assert digest[:12] in err
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert tar.getnames() == ["input.json", "requirements.txt", "src/program.py"]
    stored = cluster.objects[SX]
    assert stored["spec"] == {
        "runtime": {"python": {"entryPoint": "user_code.src.program:run"}},
        "timeout": "5m",
        "source": {"archive": {"digest": f"sha256:{digest}"}},
    }


def test_the_order_is_a_dry_run_then_the_source_then_the_definition(cluster, sx, project):
    cluster.after_apply = built
    sx("deploy", project)
    order = [
        (method, "dryRun" in path)
        for method, path, _, _ in cluster.seen
        if method in {"PATCH", "HEAD", "PUT"}
    ]
    assert order == [("PATCH", True), ("HEAD", False), ("PUT", False), ("PATCH", False)]


def test_tokens_go_in_the_header_that_the_proxy_lets_through(cluster, sx, project):
    cluster.after_apply = built
    sx("deploy", project)
    [(_, path, headers, body)] = cluster.requests("PUT")
    assert path.startswith(
        "/api/v1/namespaces/sx-system/services/http:sx-gateway:http/proxy/api/v1/namespaces/team-a/"
    )
    assert headers["X-ServiceExecution-Authorization"] == "Bearer minted"
    assert headers["Authorization"] == "Bearer my-token"
    assert headers["Content-Length"] == str(len(body))


def test_the_same_source_is_uploaded_once(cluster, sx, project):
    cluster.after_apply = built
    sx("deploy", project)
    _, _, err = sx("deploy", project)
    assert len(cluster.requests("PUT")) == 1
    assert "has this source already" in err
    assert "unchanged" in err


def test_a_build_that_fails_ends_with_3_and_its_sentence(cluster, sx, project):
    cluster.after_apply = lambda found: built(
        found, "Failed", name="r2", message="No such package: nix.", revision="r1"
    )
    code, out, err = sx("deploy", project)
    assert (code, out) == (3, "")
    assert err.endswith("sx: r2 failed: No such package: nix. r1 keeps serving.\n")


def test_json_says_how_it_ended_in_both_cases(cluster, sx, project):
    cluster.after_apply = lambda found: built(found, "Failed", message="Why.")
    code, out, _ = sx("deploy", project, "-o", "json")
    assert code == 3
    assert json.loads(out)["state"] == "failed"
    cluster.after_apply = built
    (project / "more").write_text("")
    code, out, _ = sx("deploy", project, "-o", "json")
    found = json.loads(out)
    assert code == 0
    assert (found["state"], found["revision"], found["name"], found["namespace"]) == (
        "serving",
        "r1",
        "plot",
        "team-a",
    )
    assert found["url"] == "https://services.example.com/services/team-a/plot"


@pytest.mark.parametrize("phase", ["Cancelled", "Superseded"])
def test_a_build_that_was_ended_by_somebody_is_5(cluster, sx, project, phase):
    cluster.after_apply = lambda found: built(found, phase)
    assert sx("deploy", project)[0] == 5


def test_the_log_is_shown_while_it_builds(cluster, sx, project):
    cluster.logs["r1"] = ["step 1", "step 2"]
    looks = []

    def build(found):
        built(found, "Building")
        looks.append(found)

    cluster.after_apply = build

    def end(request, when):
        if when == "before" and looks and cluster.requests("GET", "/builds/r1/log"):
            built(cluster.objects[SX])

    cluster.api.hook = end
    code, _, err = sx("deploy", project)
    assert code == 0
    assert "r1: building\n" in err
    assert "  | step 1\n  | step 2\n" in err


def test_a_log_that_ends_before_its_build_is_taken_up_again(cluster, sx, project, monkeypatch):
    monkeypatch.setattr("serviceexecution.cli.client.channel._LONGEST_PAUSE", 0.01)
    cluster.logs["r1"] = ["step 1"]

    def go_on():
        asked = lambda: len(cluster.requests("GET", "/builds/r1/log"))  # noqa: E731
        poll_until(lambda: asked() > 0, seconds=60, what="a request")
        cluster.logs["r1"].append("step 2")
        seen = asked()
        poll_until(lambda: asked() > seen + 1, seconds=60, what="a request for what came then")
        built(cluster.objects[SX])

    later = threading.Thread(target=go_on, daemon=True)

    def begins(found):
        built(found, "Building")
        later.start()

    cluster.after_apply = begins
    code, _, err = sx("deploy", project)
    assert code == 0
    assert len(cluster.requests("GET", "/builds/r1/log")) > 1
    assert (err.count("  | step 1\n"), err.count("  | step 2\n")) == (1, 1)


def test_the_log_of_a_build_that_went_by_between_two_looks_is_shown(cluster, sx, project):
    cluster.logs["r1"] = ["step 1", "step 2"]

    def goes_by(found):
        found["status"] = {}
        threading.Timer(0.1, lambda: built(cluster.objects[SX])).start()

    cluster.after_apply = goes_by
    code, _, err = sx("deploy", project)
    assert code == 0
    assert "  | step 1\n  | step 2\n" in err
    assert "Nothing to build" not in err


def test_a_timeout_is_124_and_says_how_to_come_back(cluster, sx, project):
    cluster.after_apply = lambda found: built(found, "Building")
    code, _, err = sx("deploy", project, "--timeout", "100ms")
    assert code == 124
    assert "sx builds logs plot -f" in err


def test_what_an_earlier_generation_says_does_not_count(cluster, sx, project):
    def stale(found):
        built(found, "Failed")
        found["status"]["observedGeneration"] -= 1

    cluster.after_apply = stale
    assert sx("deploy", project, "--timeout", "100ms")[0] == 124


def test_what_somebody_else_deploys_meanwhile_is_not_ours(cluster, sx, project):
    def other(found):
        built(found)
        found["spec"]["source"] = {"archive": {"digest": "sha256:other"}}

    cluster.after_apply = other
    code, out, err = sx("deploy", project)
    assert (code, out) == (5, "")
    assert err.endswith("sx: Somebody else has deployed another source in the meantime.\n")


def test_deploy_without_waiting_says_how_to_follow(cluster, sx, project):
    code, out, _ = sx("deploy", project, "--no-wait")
    assert code == 0
    assert "sx builds logs plot -f" in out


def test_a_pinned_service_serves_the_new_build_again(cluster, sx, project):
    cluster.definition("plot", spec={"revision": "r1", "runtime": {"python": {}}})
    cluster.after_apply = built
    sx("deploy", project)
    assert "revision" not in cluster.objects[SX]["spec"]
    cluster.objects[SX]["spec"]["revision"] = "r1"
    code, out, _ = sx("deploy", project, "--keep-revision")
    assert cluster.objects[SX]["spec"]["revision"] == "r1"
    assert code == 0
    assert "sx rollback plot --latest" in out


def test_a_rebuild_sets_the_token_and_the_next_deployment_keeps_it(cluster, sx, project):
    cluster.after_apply = built
    sx("deploy", project)
    assert "build" not in cluster.objects[SX]["spec"]
    sx("deploy", project, "--rebuild")
    token = cluster.objects[SX]["spec"]["build"]["token"]
    sx("deploy", project)
    assert cluster.objects[SX]["spec"]["build"]["token"] == token
    sx("deploy", project, "--rebuild")
    assert cluster.objects[SX]["spec"]["build"]["token"] != token


@pytest.mark.parametrize("phase", ["Failed", "Cancelled"])
@pytest.mark.parametrize("wait", ["--wait", "--no-wait"])
def test_another_try_at_the_same_source_builds_it_again(cluster, sx, project, phase, wait):
    def operator(found):
        tried_again = "build" in found["spec"]
        built(found, "Succeeded" if tried_again else phase, name="r2" if tried_again else "r1")

    cluster.after_apply = operator
    assert sx("deploy", project)[0] != 0
    assert "build" not in cluster.objects[SX]["spec"]
    (project / "sx.yaml").write_text("spec: {timeout: 5m}\n")
    code, _, err = sx("deploy", project, wait)
    assert code == 0
    assert "r1 of the same source" in err
    token = cluster.objects[SX]["spec"]["build"]["token"]
    sx("deploy", project)
    assert cluster.objects[SX]["spec"]["build"]["token"] == token


def test_another_source_needs_no_token(cluster, sx, project):
    cluster.after_apply = lambda found: built(found, "Failed")
    sx("deploy", project)
    cluster.after_apply = lambda found: built(found, "Failed", name="r2")
    (project / "more").write_text("")
    assert "is built again" not in sx("deploy", project)[2]
    assert "build" not in cluster.objects[SX]["spec"]


def test_deploy_takes_over_its_own_fields_and_no_others(cluster, sx, project):
    cluster.after_apply = built
    cluster.conflicts = [(".spec.source.archive.digest", 'conflict with "kubectl"')]
    assert sx("deploy", project)[0] == 0
    cluster.conflicts.append((".spec.timeout", 'conflict with "kubectl"'))
    code, _, err = sx("deploy", project)
    assert code == 1
    assert "spec.timeout was set to another value by somebody else" in err
    assert sx("deploy", project, "--force")[0] == 0


def test_deploy_from_git_packs_nothing(cluster, sx, project):
    cluster.after_apply = built
    argv = ("deploy", project, "--git", "https://example.com/x.git", "--ref", "v2", "--runtime", "docker")
    assert sx(*argv)[0] == 0
    assert cluster.sources == {}
    assert cluster.objects[SX]["spec"] == {
        "runtime": {"docker": {"build": {"dockerfile": "Dockerfile"}}},
        "source": {"git": {"url": "https://example.com/x.git", "ref": "v2"}},
    }


def test_an_image_is_built_by_nobody(cluster, sx, project):
    (project / "sx.yaml").write_text("spec: {runtime: {docker: {image: 'busybox:1'}}}\n")

    def ready(found):
        found["status"] = {
            "observedGeneration": found["metadata"]["generation"],
            "conditions": [{"type": "Ready", "status": "True"}],
        }

    cluster.after_apply = ready
    code, out, _ = sx("deploy", project)
    assert code == 0
    assert out.startswith("plot is ready: https://")
    assert cluster.sources == {}


def test_an_upload_without_the_right_names_the_right(cluster, sx, project):
    cluster.refused = {("HEAD", "/sources/")}
    code, _, err = sx("deploy", project)
    assert code == 1
    assert "servicedefinitions/source" in err
    cluster.refused.add(("GET", "/sources/"))
    assert "sx: you may not get /sources/. You need the way to the gateway" in sx("deploy", project)[2]


def test_an_unknown_field_is_named(cluster, sx, project):
    cluster.apply_error = (
        500,
        "failed to create typed patch object (team-a/plot; v1, Kind=X): .spec.x: no such field",
    )
    code, _, err = sx("deploy", project)
    assert code == 1
    assert err.endswith("sx: sx.yaml: spec.x: no such field; see the fields with: kubectl explain sxd.spec\n")
    assert not cluster.requests("PUT")


def test_too_large_is_said_before_anything_is_sent(cluster, sx, project):
    (project / "big").write_bytes(bytes(range(256)) * 64)
    code, _, err = sx("deploy", project, "--max-size", "100")
    assert code == 1
    assert "larger than 100 B" in err
    assert not [one for one in cluster.seen if one[0] in {"PUT", "PATCH", "HEAD"}]


def test_a_dry_run_asks_nobody(cluster, sx, project):
    code, out, err = sx("deploy", project, "--dry-run")
    assert code == 0
    assert json.loads(out)["metadata"] == {"name": "plot", "namespace": "team-a"}
    assert "requirements.txt" in err
    assert cluster.seen == []


def test_a_namespace_of_its_own_is_named_in_what_comes_next(cluster, sx, project):
    (project / "sx.yaml").write_text("metadata: {namespace: team-a, name: plot}\n")
    cluster.after_apply = built
    assert "sx run plot -d" in sx("deploy", project)[1]
    for path in list(cluster.objects):
        if path.endswith("/plot"):
            cluster.objects[path.replace("team-a", "other")] = cluster.objects.pop(path)
    cluster.objects["/api/v1/namespaces/other/serviceaccounts/sx-cli"] = {}
    assert "sx run plot -n other -d" in sx("deploy", project, "-n", "other")[1]
