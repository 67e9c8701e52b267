"""Events: content, stable names, limits, and that they never get in the way."""

import json

from serviceexecution.kube.events import EventPoster, ObjectIdentity, cut_utf8, event_name

ABOUT = ObjectIdentity("serviceexecution.dev/v1alpha1", "ServiceExecution", "ns", "sum", "uid-1")


async def test_post_sends_a_core_event(client, api):
    api.always(201, {"kind": "Event"})
    poster = EventPoster(client, component="serviceexecution-controller", instance="pod-1")
    assert await poster.post(
        ABOUT, type_="Normal", reason="Started", message="main has started", occurrence="1"
    )
    assert api.requests[0][:2] == ("POST", "/api/v1/namespaces/ns/events")
    event = json.loads(api.requests[0][3])
    assert event["involvedObject"] == {
        "apiVersion": "serviceexecution.dev/v1alpha1",
        "kind": "ServiceExecution",
        "namespace": "ns",
        "name": "sum",
        "uid": "uid-1",
    }
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "Started", "main has started")
    assert event["metadata"]["name"].startswith("sum.")
    assert event["firstTimestamp"] == event["lastTimestamp"]


async def test_a_repeated_or_refused_event_is_no_error(client, api):
    poster = EventPoster(client, component="c", instance="i")
    api.in_turn((409, {"reason": "AlreadyExists"}, {}), (403, {"reason": "Forbidden"}, {}))
    assert not await poster.post(ABOUT, type_="Normal", reason="Started", message="m")
    assert not await poster.post(ABOUT, type_="Normal", reason="Started", message="m")


def test_names_are_stable_distinct_and_legal():
    assert event_name(ABOUT, "Normal", "Started", "m", "1") == event_name(
        ABOUT, "Normal", "Started", "m", "1"
    )
    assert event_name(ABOUT, "Normal", "Started", "m", "1") != event_name(
        ABOUT, "Normal", "Started", "m", "2"
    )
    long = ObjectIdentity("v1", "Pod", "ns", "a" * 199 + "-" + "b" * 53, "u")
    name = event_name(long, "x")
    assert len(name) <= 253
    assert "-." not in name


def test_messages_are_cut_between_characters():
    assert cut_utf8("short", 1024) == "short"
    cut = cut_utf8("ü" * 600, 1024)
    assert len(cut.encode()) <= 1024
    assert cut.endswith("ü…")
