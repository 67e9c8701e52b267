"""A service as Server-Sent Events: what comes, how a cut stream goes on, and when it ends."""

from serviceexecution.gateway.logs import streams
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import is_problem
from tests.unit.gateway.waiting.stream import Stream, service

__all__ = ["service"]


def url_of(service):
    uid = service.cluster.objects["servicedefinitions", NAMESPACE, SERVICE]["metadata"]["uid"]
    return f"/platform/{NAMESPACE}/services/{uid}/events"


async def change(service, **status):
    body = {"status": status}
    await service.cluster.patch(SERVICE_DEFINITIONS, NAMESPACE, SERVICE, body, subresource="status")


async def test_each_change_of_a_service_is_told_and_its_end(service):
    stream = Stream(service, url_of(service))
    kind, first, data = await stream.next()
    assert (kind, data) == ("service", {"id": url_of(service).split("/")[-2]})
    await change(service, phase="Building")
    kind, second, _ = await stream.next()
    assert kind == "service"
    assert int(second) > int(first)
    await service.cluster.delete(SERVICE_DEFINITIONS, NAMESPACE, SERVICE)
    assert (await stream.next())[0] == "removed"
    assert await stream.next() is None
    assert len(service.state.definition_changes) == 0


async def test_others_services_ring_no_bell(service):
    stream = Stream(service, url_of(service))
    await stream.next()
    service.cluster.define("other")
    await change(service, phase="Building")
    assert (await stream.next())[0] == "service"
    assert len(service.state.definition_changes) == 1


async def test_a_cut_stream_hears_only_of_what_it_has_missed(service):
    stream = Stream(service, url_of(service))
    _, last, _ = await stream.next()
    await stream.leave()
    again = Stream(service, url_of(service), last)
    await change(service, phase="Building")
    kind, version, _ = await again.next()
    assert (kind, int(version) > int(last)) == ("service", True)


async def test_a_stream_ends_with_the_right(service, monkeypatch):
    monkeypatch.setattr(streams, "AGAIN_SECONDS", 0.05)
    stream = Stream(service, url_of(service))
    await stream.next()
    del service.cluster.tokens["alice-token", None]
    assert await stream.next() is None


async def test_who_may_not_see_the_service_follows_nothing(service):
    service.cluster.allowed = lambda question: question["resource"] != "servicedefinitions"
    assert is_problem(await service.http.get(url_of(service)), 403, "Forbidden")
