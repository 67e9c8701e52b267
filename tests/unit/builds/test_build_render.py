"""Rendered Jobs, compared with golden files, and the rules that hold for all of them."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from serviceexecution.builder.request import parse_request
from serviceexecution.builds.decide import decide
from serviceexecution.builds.render import render_build
from serviceexecution.builds.settings import Builder
from serviceexecution.resources.names import (
    ANNOTATION_SOURCE_DIGEST,
    LABEL_ATTEMPT,
    LABEL_DEFINITION_UID,
    LABEL_EXECUTION_UID,
    LABEL_REVISION,
)
from tests.unit.builds.builders import (
    SETTINGS,
    UID,
    definition,
    digest,
    docker_spec,
    observation,
    python_spec,
    settings,
)

GOLDEN: Final = Path(__file__).parent / "golden"
GIT: Final = {
    "url": "https://example.org/adder.git",
    "ref": "v1",
    "secretRef": {"name": "git-login"},
}
VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "docker": {},
    "docker-buildah": {"builder": Builder.BUILDAH, "settings": settings(seccompProfile="build.json")},
    "python": {"spec": python_spec()},
    "everything": {
        "spec": docker_spec(
            runtime={
                "docker": {
                    "build": {
                        "dockerfile": "deploy/Dockerfile",
                        "target": "last",
                        "args": {"VERSION": "2"},
                        "secrets": {"npm": {"name": "npm-login"}, "aws": {"name": "aws-login"}},
                    },
                    "command": ["run"],
                }
            },
            source={"git": GIT, "subPath": "services/adder"},
            build={
                "timeout": "1h",
                "resources": {"limits": {"memory": "4Gi"}},
                "cache": {"persistentVolumeClaim": {"claimName": "cache"}},
            },
            nodeSelector={"kubernetes.io/arch": "arm64", "gpu": "yes"},
        ),
        "settings": settings(
            registry={
                "address": "registry.example/services",
                "credentialsSecret": "registry-login",
                "mirrors": {"docker.io": "mirror.example/docker.io"},
            },
            seccompProfile="build.json",
            environment={"HTTPS_PROXY": "http://proxy:3128"},
            resources={"requests": {"cpu": "1"}},
            imagePullPolicy="Always",
        ),
        "with_cache": True,
    },
    "python-index": {
        "spec": python_spec(
            runtime={
                "python": {
                    "version": "3.13",
                    "entryPoint": "user_code.main:start",
                    "packageIndex": {"name": "index"},
                }
            }
        ),
    },
}


def rendered(name: str) -> Any:
    variant = VARIANTS[name]
    one = definition(spec=variant.get("spec"))
    of = variant.get("settings", SETTINGS)
    seen = observation(one, settings=of, builder=variant.get("builder", Builder.BUILDKIT))
    begun = decide(seen).create
    assert begun is not None
    return render_build(
        one,
        begun,
        of,
        gateway_url="http://gateway.sx.svc:8080",
        timeout=1800,
        start_timeout=600,
        with_cache=variant.get("with_cache", False),
    )


def pod(name: str) -> Any:
    return rendered(name)["spec"]["template"]["spec"]


def main(name: str) -> Any:
    (container,) = pod(name)["containers"]
    return container


def request(name: str) -> Any:
    (variable,) = [one for one in main(name)["env"] if one["name"] == "SX_BUILD_REQUEST"]
    return variable["value"]


@pytest.mark.parametrize("name", VARIANTS)
def test_jobs_are_as_in_the_golden_file(name, update_golden):
    path = GOLDEN / f"{name}.yaml"
    text = yaml.safe_dump(rendered(name), sort_keys=False, width=110, allow_unicode=True)
    if update_golden:
        path.write_text(text)
    assert text == path.read_text(), "run pytest --update-golden tests/unit/builds and read the difference"


def test_every_golden_file_is_compared():
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(VARIANTS)


@pytest.mark.parametrize("name", VARIANTS)
class TestWhatAlwaysHolds:
    def test_a_build_s_rendering_is_deterministic(self, name):
        assert json.dumps(rendered(name)) == json.dumps(rendered(name))

    def test_the_builder_reads_the_request(self, name):
        asked = parse_request(request(name))
        assert asked.builder in {"buildkit", "buildah"}
        assert asked.image.endswith("/team/adder:r1")
        assert asked.cache_image.endswith("/team/adder:cache")

    def test_nothing_is_built_twice(self, name):
        spec = rendered(name)["spec"]
        assert (spec["backoffLimit"], spec["completions"], spec["parallelism"]) == (0, 1, 1)
        assert spec["template"]["spec"]["restartPolicy"] == "Never"

    def test_a_build_s_job_is_found_and_goes_with_its_service(self, name):
        job = rendered(name)
        (owner,) = job["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("ServiceDefinition", UID, True)
        for labels in (job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
            assert labels[LABEL_DEFINITION_UID] == UID
            assert labels[LABEL_EXECUTION_UID] == f"{UID}.r1"
            assert (labels[LABEL_REVISION], labels[LABEL_ATTEMPT]) == ("r1", "1")
        assert len(job["metadata"]["name"]) <= 63

    def test_a_build_s_only_credential_is_a_token_for_the_gateway(self, name):
        assert pod(name)["automountServiceAccountToken"] is False
        (token,) = [one for one in pod(name)["volumes"] if one["name"] == "token"]
        (source,) = token["projected"]["sources"]
        assert source["serviceAccountToken"]["audience"] == "builder.serviceexecution.dev"

    def test_no_secret_stands_in_the_environment(self, name):
        assert [one["name"] for one in main(name)["env"]] == ["SX_BUILD_REQUEST"]
        assert "envFrom" not in main(name)

    def test_a_build_runs_as_nobody_special(self, name):
        context = main(name)["securityContext"]
        assert (context["runAsUser"], context["runAsNonRoot"]) == (1000, True)
        assert context["capabilities"]["drop"] == ["ALL"]
        assert context["readOnlyRootFilesystem"] is True
        assert "privileged" not in context


def test_buildkit_may_map_users_and_nothing_else():
    context = main("docker")["securityContext"]
    assert context["capabilities"]["add"] == ["SETUID", "SETGID"]
    assert "allowPrivilegeEscalation" not in context
    assert "seccompProfile" not in context, "RuntimeDefault refuses what a build needs"


def test_buildah_s_pod_passes_the_restricted_level():
    context = main("docker-buildah")["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "Localhost", "localhostProfile": "build.json"}
    assert "seccompProfile" not in pod("docker-buildah")["securityContext"]


def test_the_archive_is_named_for_the_gateway():
    assert rendered("docker")["metadata"]["annotations"] == {ANNOTATION_SOURCE_DIGEST: digest("a")}
    assert "annotations" not in rendered("everything")["metadata"], "a repository is no archive"


def test_only_what_the_image_needs_chooses_the_node():
    assert pod("everything")["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    assert "nodeSelector" not in pod("docker")


def test_secrets_are_mounted_by_name():
    paths = {one["mountPath"] for one in main("everything")["volumeMounts"]}
    assert {"/run/build/git", "/run/build/registry", "/run/build/secrets", "/cache"} <= paths
    assert "/run/build/index" in {one["mountPath"] for one in main("python-index")["volumeMounts"]}


def test_the_registry_is_told():
    assert json.loads(request("docker"))["registry"] == {
        "insecure": ["registry.sx.svc:5000"],
        "mirrors": {},
        "config": False,
    }
    assert json.loads(request("everything"))["registry"] == {
        "insecure": [],
        "mirrors": {"docker.io": "mirror.example/docker.io"},
        "config": True,
    }
    assert json.loads(request("everything"))["image"] == "registry.example/services/team/adder:r1"


def test_a_pod_ends_even_if_the_operator_is_away():
    assert pod("docker")["activeDeadlineSeconds"] == 1800 + 600 + 3600
