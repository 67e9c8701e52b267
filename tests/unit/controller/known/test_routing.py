"""Jobs and pods come to the execution or to the service that they belong to."""

from typing import cast

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.known.cache import ObjectCache, Watched
from serviceexecution.controller.known.listed import Shown
from serviceexecution.controller.known.routing import Router, route_job, route_pod
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.reference import ExecutionReference
from tests.unit.builds import builders as builds
from tests.unit.executions import builders as runs

SERVICE: JsonObject = {
    "metadata": {
        "name": "adder",
        "namespace": "team",
        "uid": builds.UID,
        "resourceVersion": "5",
        "generation": 1,
        "creationTimestamp": "2026-03-01T12:00:00Z",
    },
    "spec": {"runtime": {"docker": {"image": "sum:1"}}},
}


def known() -> ObjectCache:
    cache = ObjectCache()
    cache.put_definition(SERVICE)
    cache.put_execution(runs.execution().model_dump(mode="json", by_alias=True))
    return cache


def test_those_of_a_run():
    cache = known()
    assert route_job(cache, runs.job()) == ExecutionKey("team", "sum")
    touched = route_pod(cache, runs.pod())
    assert isinstance(touched, ExecutionKey)
    assert cache.builds.jobs(builds.UID, "team") == ()
    assert route_pod(cache, runs.pod(), deleted=True) == ExecutionKey("team", "sum")
    assert cache.runs.pod(runs.UID, "team", runs.JOB_UID) is None


def test_those_of_a_build():
    cache = known()
    touched = route_job(cache, builds.job())
    assert isinstance(touched, ServiceKey)
    assert touched == ("team", "adder")
    assert route_pod(cache, builds.pod()) == ("team", "adder")
    assert cache.builds.jobs(builds.UID, "team") == (builds.job(),)
    assert cache.builds.pod(builds.UID, "team", builds.job_uid()) == builds.pod()
    as_a_run = ExecutionReference("team", "adder.r1", f"{builds.UID}.r1")
    assert cache.runs.job(as_a_run.uid, ("team", builds.job().metadata.name)) is None, "it is no run's"
    assert route_job(cache, builds.job(), deleted=True) == ("team", "adder")
    assert cache.builds.jobs(builds.UID, "team") == ()


def test_those_of_nobody_that_is_known():
    cache = ObjectCache()
    assert route_job(cache, builds.job()) is None
    assert route_job(cache, runs.job()) is None


def test_a_job_that_only_says_so_is_not_taken():
    cache = known()
    owner = builds.job().metadata.owner_references[0].model_copy(update={"uid": "other"})
    metadata = builds.job().metadata.model_copy(update={"owner_references": (owner,)})
    route_job(cache, builds.job().model_copy(update={"metadata": metadata}))
    assert cache.builds.jobs(builds.UID, "team") == ()


def test_what_a_list_does_not_show_is_forgotten():
    cache = known()
    route_job(cache, builds.job())
    route_pod(cache, builds.pod())
    assert cache.drop_unlisted(Watched.JOBS, Shown(set(), 9)) == [("team", "adder")]
    assert cache.drop_unlisted(Watched.PODS, Shown(set(), 9)) == [("team", "adder")]
    assert cache.drop_unlisted(Watched.EXECUTIONS, Shown(set(), 9)) == [("team", "sum")]
    assert cache.drop_unlisted(Watched.DEFINITIONS, Shown(set(), 9)) == [("team", "adder")]
    assert cache.definition(ServiceKey("team", "adder")) is None


def test_another_service_of_the_same_name():
    cache = known()
    route_job(cache, builds.job())
    metadata = cast("JsonObject", SERVICE["metadata"])
    body: JsonObject = {**SERVICE, "metadata": {**metadata, "uid": "new", "resourceVersion": "6"}}
    cache.put_definition(body)
    assert cache.service_of(builds.UID) is None
    assert cache.service_of("new") == ("team", "adder")
    assert cache.builds.jobs(builds.UID, "team") == ()


def test_a_label_says_nothing_in_another_namespace():
    cache = known()
    for child in (runs.job(), builds.job()):
        elsewhere = child.model_copy(
            update={"metadata": child.metadata.model_copy(update={"namespace": "evil"})}
        )
        assert route_job(cache, elsewhere) is None
    foreign = runs.pod().model_copy(
        update={"metadata": runs.pod().metadata.model_copy(update={"namespace": "evil"})}
    )
    assert route_pod(cache, foreign) is None
    assert cache.runs.job(runs.UID, ("team", runs.JOB_NAME)) is None
    assert cache.runs.pod(runs.UID, "team", runs.JOB_UID) is None
    assert cache.builds.jobs(builds.UID, "team") == ()


def test_a_version_that_says_nothing_new_touches_nobody():
    cache = known()
    router = Router(cache)
    assert router.job(_body(runs.job())) == ("team", "sum")
    assert router.job(_body(runs.job(), resourceVersion="900")) is None
    assert cache.runs.jobs(runs.UID, "team")[0].metadata.resource_version == "900", "it is known all the same"
    assert router.job(_body(runs.job(), deletionTimestamp="2026-03-01T12:00:09Z", resourceVersion="901"))
    assert router.pod(_body(runs.pod())) == ("team", "sum")
    assert router.pod(_body(runs.pod(), resourceVersion="902")) is None
    ended: JsonObject = {**_body(runs.pod(), resourceVersion="903"), "status": {"phase": "Failed"}}
    assert router.pod(ended) == ("team", "sum")
    assert router.pod(ended, deleted=True) == ("team", "sum")


def test_a_version_that_our_own_write_has_told_is_no_news_until_the_execution_has_ended():
    cache = known()
    body: JsonObject = runs.execution().model_dump(mode="json", by_alias=True)
    cast("JsonObject", body["metadata"])["resourceVersion"] = "7"
    assert not cache.is_told(body)
    cache.put_execution(body)
    assert cache.is_told(body)
    metadata = {**cast("JsonObject", body["metadata"]), "resourceVersion": "8"}
    ended: JsonObject = {**body, "metadata": metadata, "status": {"phase": "Succeeded"}}
    cache.put_execution(ended)
    assert not cache.is_told(ended), "its time to live is looked at"


def _body(view: JobView | PodView, **metadata: str) -> JsonObject:
    body: JsonObject = view.model_dump(mode="json", by_alias=True, exclude={"metadata": {"status_written"}})
    cast("JsonObject", body["metadata"]).update(metadata)
    return body
