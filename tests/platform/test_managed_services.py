"""``qhub-api`` 3.3.0, unmodified: services made, configured and built by the platform's API."""

import io
import tarfile
import zipfile

import httpx
import pytest

from serviceexecution.gateway.accelerators import Accelerators
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.resources.names import LABEL_MANAGED_SERVICE
from serviceexecution.resources.services.source import NO_ARCHIVE
from tests.platform.platform_client import UNKNOWN, Platform, refused
from tests.support.served_gateway import ServedGateway
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE

PACKAGE = "qhub-service"
FILE = {"type": "file"}
IMAGE = {"type": "registry", "image": "docker.io/library/busybox", "tag": "1.35.0"}
REPOSITORY = {"type": "repository", "full_path": "https://example.com/group/project.git"}
CPU = {"type": "cpu", "amount": 500, "unit": "m"}
MEMORY = {"type": "memory", "amount": 512, "unit": "M"}
T4 = {"type": "gpu", "amount": 2, "accelerator": "NVIDIA_TESLA_T4"}
V100 = {"type": "gpu", "amount": 1, "accelerator": "NVIDIA_TESLA_V100"}
NO_GPU = {"type": "gpu", "amount": 1, "accelerator": "NONE"}


def archive(kind="zip"):
    found = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(found, "w") as opened:
            opened.writestr("src/program.py", "def run(): ...")
    else:
        with tarfile.open(fileobj=found, mode="w:gz") as opened:
            opened.addfile(tarfile.TarInfo("requirements.txt"))
    return found.getvalue()


@pytest.fixture
def managed(platform):
    return platform.client.managed_services


def spec(platform, name="new"):
    return platform.service.cluster.objects["servicedefinitions", NAMESPACE, name]["spec"]


def status(platform, name="new", **members):
    """Write what the controller says of the service."""

    async def write():
        cluster = platform.service.cluster
        cluster.change(SERVICE_DEFINITIONS, NAMESPACE, name, {"status": members})
        platform.service.state.note_definition(cluster.objects["servicedefinitions", NAMESPACE, name])

    platform.gateway.run(write())


def observed(platform, name="new"):
    return platform.service.cluster.objects["servicedefinitions", NAMESPACE, name]["metadata"]["generation"]


def test_a_service_is_made_of_each_kind_of_source(platform, managed):
    for name, source, runtime, expected in (
        ("of-file", FILE, {"python": {}}, {"archive": {"digest": NO_ARCHIVE}}),
        ("of-image", IMAGE, {"docker": {"image": "docker.io/library/busybox:1.35.0"}}, None),
        ("of-git", REPOSITORY, {"python": {}}, {"git": {"url": REPOSITORY["full_path"]}}),
    ):
        made = managed.create_managed_service(name=name, source=source)
        assert (made.name, made.current_user_permission) == (name, "OWNER")
        assert made.service_definitions[0].source.type == source["type"]
        assert spec(platform, name)["runtime"] == runtime
        assert spec(platform, name).get("source") == expected
        assert platform.client.services.get_service(made.id).id == made.id


def test_a_service_is_made_with_all_that_can_be_said_of_it(platform, managed):
    made = managed.create_managed_service(
        name="new",
        source=FILE,
        summary="Adds.",
        description="It adds.",
        runtime_configuration={"runtime": "DOCKER", "environment": {"A": "1", "B": "ü"}},
        resource_configurations=[CPU, MEMORY, NO_GPU],
    )
    (definition,) = made.service_definitions
    assert (definition.summary, definition.description) == ("Adds.", "It adds.")
    assert definition.runtime_configuration.runtime == "DOCKER"
    amounts = {"cpu": "500m", "memory": "512M"}
    assert spec(platform) == {
        "description": "It adds.",
        "runtime": {"docker": {"build": {}}},
        "source": {"archive": {"digest": NO_ARCHIVE}},
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "ü"}],
        "resources": {"requests": amounts, "limits": amounts},
    }
    assert [(one.type, one.amount) for one in definition.configurations] == [("cpu", 500), ("memory", 512)]


def test_the_same_request_again_is_the_same_service(platform, managed):
    first = managed.create_managed_service(name="new", source=FILE)
    assert managed.create_managed_service(name="new", source=FILE).id == first.id
    refused("BadRequestError", managed.create_managed_service, name="new", source=IMAGE, code="NameTaken")
    refused("BadRequestError", managed.create_managed_service, name=SERVICE, source=FILE, code="NameTaken")


@pytest.mark.parametrize("name", ["", "Upper", "a.b", "a/b", "-a", "a" * 64, "ü"])
def test_a_name_that_is_no_part_of_a_url_is_a_typed_400(sync, name):
    create = sync.client.managed_services.create_managed_service
    assert refused("BadRequestError", create, name=name, source=FILE)["path"] == "$.name"


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"source": {"type": "registry", "image": "a", "password": "p"}}, "$.source.password"),
        ({"source": {"type": "registry", "image": "a b"}}, "$.source.image"),
        ({"source": {"type": "repository", "full_path": "group/project"}}, "$.source.fullPath"),
        ({"source": {"type": "repository", "full_path": "https://u:p@example.com/a"}}, "$.source.fullPath"),
        ({"source": IMAGE, "runtime_configuration": {"runtime": "PYTHON_TEMPLATE"}}, "$.runtime"),
        ({"runtime_configuration": {"runtime": "JAVA"}}, "$.runtime"),
        (
            {"runtime_configuration": {"runtime": "DOCKER", "apply_provider_tokens": True}},
            "$.applyProviderTokens",
        ),
        ({"runtime_configuration": {"runtime": "DOCKER", "environment": {"a=b": "c"}}}, "$.environment"),
        ({"summary": "s" * 1001}, "$.summary"),
        ({"resource_configurations": [{**CPU, "amount": 0}]}, "$.resourceConfigurations[0].amount"),
        ({"resource_configurations": [{**CPU, "unit": "Gi"}]}, "$.resourceConfigurations[0].unit"),
        (
            {"resource_configurations": [T4]},
            "$.resourceConfigurations[0].accelerator",
        ),
        ({"resource_configurations": [{**T4, "amount": 65}]}, "$.resourceConfigurations[0].amount"),
    ],
)
def test_what_cannot_be_made_is_a_typed_400_that_names_the_member(sync, members, path):
    create = sync.client.managed_services.create_managed_service
    body = refused(
        "BadRequestError", create, name="new", **({"source": FILE} | members), code="InvalidService"
    )
    assert body["path"] == path


def test_a_body_that_is_too_large_is_refused(sync):
    create = sync.client.managed_services.create_managed_service
    environment = {"A": "x" * 200_000}
    body = refused(
        "ApiError",
        create,
        name="new",
        source=FILE,
        runtime_configuration={"runtime": "DOCKER", "environment": environment},
        status=413,
    )
    assert body["limit"] == 128 * 1024


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_source_is_uploaded_and_fetched(platform, managed, kind):
    made, data = managed.create_managed_service(name="new", source=FILE), archive(kind)
    for file in (data, (f"project.{kind}", data)):
        assert managed.upload_managed_service_source(made.id, file=file) is None
    assert b"".join(managed.download_managed_service_source(made.id)) == data
    digest = spec(platform)["source"]["archive"]["digest"]
    kept = platform.gateway.run(platform.service.store.sources.list_sources())
    assert [f"sha256:{digest}" for _, digest in kept] == [digest]


def test_what_is_no_archive_changes_nothing(sync):
    managed = sync.client.managed_services
    made = managed.create_managed_service(name="new", source=FILE)
    for broken in (b"", b"PK", b"no archive"):
        refused("ApiError", managed.upload_managed_service_source, made.id, file=broken, status=415)
    assert spec(sync)["source"] == {"archive": {"digest": NO_ARCHIVE}}
    assert sync.gateway.run(sync.service.store.sources.list_sources()) == {}
    with pytest.raises(Exception, match="No archive was uploaded"):
        list(managed.download_managed_service_source(made.id))


def test_an_upload_that_the_service_does_not_take_is_an_archive_that_nothing_names(sync):
    """The gateway ends, or the API server is away, between the archive and the service."""
    made = sync.client.managed_services.create_managed_service(name="new", source=FILE)
    away = KubernetesError("the API server is away", status=503)
    sync.service.cluster.fail("patch", "servicedefinitions", away)
    data, upload = archive(), sync.client.managed_services.upload_managed_service_source
    refused("ApiError", upload, made.id, file=data, status=503)
    assert spec(sync)["source"] == {"archive": {"digest": NO_ARCHIVE}}
    ((_, digest),) = sync.gateway.run(sync.service.store.sources.list_sources())
    upload(made.id, file=data)
    assert spec(sync)["source"] == {"archive": {"digest": f"sha256:{digest}"}}


def test_an_archive_above_the_limit_is_a_typed_413(sdk, tmp_path):
    with ServedGateway(tmp_path, source_limit=50) as gateway:
        managed = Platform(sdk, gateway).client.managed_services
        made = managed.create_managed_service(name="new", source=FILE)
        upload = managed.upload_managed_service_source
        refused("ContentTooLargeError", upload, made.id, file=archive(), code="SourceTooLarge")


def test_a_build_is_asked_for_once(platform, managed):
    made = managed.create_managed_service(name="new", source=FILE)
    refused("NotFoundError", managed.build_managed_service, made.id, code="SourceMissing")
    managed.upload_managed_service_source(made.id, file=archive())
    managed.build_managed_service(made.id)
    assert "build" not in spec(platform)  # The upload itself builds
    digest = spec(platform)["source"]["archive"]["digest"]
    revision = {"name": "r1", "key": "k", "sourceDigest": digest, "phase": "Building", "attempts": 1}
    going = {"observedGeneration": observed(platform), "lastRevision": 1}
    status(platform, **going, revisions=[revision])
    assert managed.get_managed_service_build_status(made.id).status == "WORKING"
    managed.build_managed_service(made.id)
    assert "build" not in spec(platform)
    status(platform, **going, revisions=[{**revision, "phase": "Succeeded"}])
    assert managed.get_managed_service_build_status(made.id).status == "SUCCESS"
    managed.build_managed_service(made.id)
    first = spec(platform)["build"]["token"]
    assert managed.get_managed_service_build_status(made.id).status == "WORKING"
    status(platform, observedGeneration=observed(platform), revisions=[{**revision, "phase": "Failed"}])
    managed.build_managed_service(made.id)
    assert spec(platform)["build"]["token"] != first


def test_before_the_upload_there_is_no_build(platform, managed):
    made = managed.create_managed_service(name="new", source=FILE)
    waiting = {"name": "r1", "key": "k", "sourceDigest": NO_ARCHIVE, "phase": "Pending", "attempts": 0}
    status(platform, observedGeneration=1, lastRevision=1, revisions=[waiting])
    body = refused("NotFoundError", managed.get_managed_service_build_status, made.id, code="NeverBuilt")
    assert "upload the source" in body["detail"]
    image = managed.create_managed_service(name="image", source=IMAGE)
    refused("NotFoundError", managed.build_managed_service, image.id, code="NothingToBuild")


def test_runtime_and_variables_are_changed(platform, managed):
    made = managed.create_managed_service(name="new", source=FILE)
    update = managed.update_managed_service_runtime_configuration
    update(made.id, runtime="DOCKER", environment={"A": "1"})
    assert spec(platform)["runtime"] == {"docker": {"build": {}}}
    secret = {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    spec(platform)["env"].append(secret)
    update(made.id, runtime="PYTHON_TEMPLATE")  # Without variables: they stay
    assert (spec(platform)["runtime"], len(spec(platform)["env"])) == ({"python": {}}, 2)
    update(made.id, runtime="PYTHON_TEMPLATE", environment={"B": "2"})
    assert spec(platform)["env"] == [secret, {"name": "B", "value": "2"}]
    image = managed.create_managed_service(name="image", source=IMAGE)
    refused("BadRequestError", update, image.id, runtime="PYTHON_TEMPLATE", code="InvalidService")


def test_resources_are_changed_one_by_one(platform, managed):
    made = managed.create_managed_service(name="new", source=FILE)
    for request in (CPU, MEMORY, NO_GPU, {**CPU, "amount": 250}):
        managed.update_managed_service_resource_configuration(made.id, request=request)
    amounts = {"cpu": "250m", "memory": "512M"}
    assert spec(platform)["resources"] == {"requests": amounts, "limits": amounts}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_accelerators_are_resources_that_the_operator_has_named(sdk, tmp_path, asynchronous):
    named = Accelerators({"NVIDIA_TESLA_T4": "nvidia.com/gpu", "NVIDIA_TESLA_V100": "example.com/v100"})
    with ServedGateway(tmp_path, accelerators=named) as gateway:
        platform = Platform(sdk, gateway, asynchronous=asynchronous)
        managed = platform.client.managed_services
        made = managed.create_managed_service(name="new", source=FILE, resource_configurations=[CPU, T4])
        both = {"cpu": "500m", "nvidia.com/gpu": "2"}
        assert spec(platform)["resources"] == {"requests": both, "limits": both}
        gpu = platform.client.services.get_service(made.id).service_definitions[0].configurations[1]
        assert (gpu.type, gpu.amount, gpu.accelerator) == ("gpu", 2, "NVIDIA_TESLA_T4")
        update = managed.update_managed_service_resource_configuration
        update(made.id, request=V100)
        both = {"cpu": "500m", "example.com/v100": "1"}
        assert spec(platform)["resources"] == {"requests": both, "limits": both}
        for none in (NO_GPU, {**T4, "amount": 0}):
            update(made.id, request=T4)
            update(made.id, request=none)
            assert spec(platform)["resources"]["limits"] == {"cpu": "500m"}
        body = refused(
            "BadRequestError", update, made.id, request={**T4, "accelerator": "H100"}, code="InvalidService"
        )
        assert "NVIDIA_TESLA_T4, NVIDIA_TESLA_V100" in body["detail"]
        assert "gateway.platformApi.accelerators" in body["detail"]


def test_a_device_that_somebody_else_has_asked_for_stays(sync):
    made = sync.client.managed_services.create_managed_service(name="new", source=FILE)
    spec(sync)["resources"] = {"limits": {"amd.com/gpu": "1"}}
    update = sync.client.managed_services.update_managed_service_resource_configuration
    for asked in (NO_GPU, T4):
        assert "amd.com/gpu" in refused("BadRequestError", update, made.id, request=asked)["detail"]
    assert spec(sync)["resources"] == {"limits": {"amd.com/gpu": "1"}}


def test_credentials_of_a_registry_are_refused_with_the_way_to_give_them(sync):
    create = sync.client.managed_services.create_managed_service
    body = refused(
        "BadRequestError", create, name="new", source={**IMAGE, "username": "u", "password": "s3cret"}
    )
    assert "spec.imagePullSecrets" in body["detail"]
    assert "s3cret" not in str(body)
    made = create(name="new", source=IMAGE)
    update = sync.client.managed_services.update_managed_service_source
    refused(
        "BadRequestError", update, made.id, request={**IMAGE, "password": "s3cret"}, code="InvalidService"
    )
    spec(sync)["imagePullSecrets"] = [{"name": "login"}]
    update(made.id, request={**IMAGE, "tag": "1.36"})
    assert spec(sync)["imagePullSecrets"] == [{"name": "login"}]  # As kubectl has set it


def test_another_kind_of_source_takes_no_credentials_along(platform, managed):
    made = managed.create_managed_service(name="new", source=REPOSITORY)
    spec(platform)["source"]["git"] |= {"secretRef": {"name": "token"}, "ref": "main"}
    change = managed.update_managed_service_source
    change(made.id, request=REPOSITORY)
    assert spec(platform)["source"]["git"]["secretRef"] == {"name": "token"}
    other = {**REPOSITORY, "full_path": "https://elsewhere.example.com/a/b"}
    change(made.id, request=other)
    assert spec(platform)["source"] == {"git": {"url": other["full_path"]}}
    change(made.id, request=IMAGE)
    assert (spec(platform)["runtime"], spec(platform).get("source")) == (
        {"docker": {"image": "docker.io/library/busybox:1.35.0"}},
        None,
    )
    change(made.id, request=FILE)
    assert spec(platform)["runtime"] == {"docker": {"build": {}}}
    assert spec(platform)["source"] == {"archive": {"digest": NO_ARCHIVE}}


def writes(platform, uid):
    """Return each call that writes the service."""
    managed = platform.client.managed_services
    return [
        lambda: managed.upload_managed_service_source(uid, file=archive()),
        lambda: managed.update_managed_service_source(uid, request=IMAGE),
        lambda: managed.update_managed_service_runtime_configuration(uid, runtime="DOCKER"),
        lambda: managed.update_managed_service_resource_configuration(uid, request=CPU),
        lambda: managed.build_managed_service(uid),
    ]


def test_what_a_service_runs_that_was_not_made_here_is_not_changed(sync):
    before = dict(spec(sync, SERVICE))
    for write in writes(sync, sync.service_id):
        body = refused("ForbiddenError", write, code="NotManaged")
        assert LABEL_MANAGED_SERVICE in body["detail"]
    assert spec(sync, SERVICE) == before
    assert sync.gateway.run(sync.service.store.sources.list_sources()) == {}


def test_writes_need_the_right_to_change_the_service(sync):
    made = sync.client.managed_services.create_managed_service(name="new", source=FILE)
    before = dict(spec(sync))
    sync.service.cluster.allowed = lambda question: question["verb"] != "patch"
    for write in writes(sync, made.id):
        assert "patch servicedefinitions" in refused("ForbiddenError", write)["detail"]
    assert spec(sync) == before


def test_a_source_needs_rights_of_its_own(sync):
    made = sync.client.managed_services.create_managed_service(name="new", source=FILE)
    sync.service.cluster.allowed = lambda question: question["subresource"] != "source"
    upload = writes(sync, made.id)[0]
    assert "create servicedefinitions/source" in refused("ForbiddenError", upload)["detail"]
    with pytest.raises(Exception, match="get servicedefinitions/source"):
        list(sync.client.managed_services.download_managed_service_source(made.id))
    assert spec(sync)["source"] == {"archive": {"digest": NO_ARCHIVE}}


def test_a_service_is_made_only_by_those_who_may(sync):
    sync.service.cluster.allowed = lambda question: question["verb"] != "create"
    create = sync.client.managed_services.create_managed_service
    body = refused("ForbiddenError", create, name="new", source=IMAGE)
    assert "create servicedefinitions" in body["detail"]
    assert ("servicedefinitions", NAMESPACE, "new") not in sync.service.cluster.objects


def test_writes_of_an_unknown_service_are_a_typed_404(sync):
    for write in writes(sync, UNKNOWN):
        refused("NotFoundError", write)


def test_members_that_are_not_the_api_s_are_never_written(sync):
    """What a pod may be is said with kubectl by somebody with a right to it."""
    body = {
        "name": "new",
        "source": {**FILE, "git": {"secretRef": {"name": "x"}}},
        "podTemplate": {"spec": {"hostNetwork": True}},
        "spec": {"serviceAccountName": "admin"},
        "runtimeConfiguration": {"runtime": "DOCKER", "docker": {"command": ["sh"]}},
        "metadata": {"namespace": "team-b", "finalizers": ["a.b/c"]},
    }
    headers = {"X-Auth-Token": "alice-token"}
    answer = httpx.post(f"{sync.gateway.base}/managed-services", json=body, headers=headers, trust_env=False)
    assert answer.status_code == 201, answer.text
    assert spec(sync) == {"runtime": {"docker": {"build": {}}}, "source": {"archive": {"digest": NO_ARCHIVE}}}
    metadata = sync.service.cluster.objects["servicedefinitions", NAMESPACE, "new"]["metadata"]
    assert "finalizers" not in metadata
    assert metadata["labels"] == {LABEL_MANAGED_SERVICE: "true"}
