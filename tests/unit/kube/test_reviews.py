"""Token and access reviews."""

import json

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.reviews import TokenIdentity, identity_of_review

USER: JsonObject = {
    "username": "system:serviceaccount:team:default",
    "uid": "sa-uid",
    "groups": ["system:authenticated"],
    "extra": {
        "authentication.kubernetes.io/pod-name": ["sum-1-xyz"],
        "authentication.kubernetes.io/pod-uid": ["pod-uid"],
    },
}


async def test_a_pod_s_token_names_the_pod(client, api):
    api.always(201, {"status": {"authenticated": True, "audiences": ["here"], "user": USER}})
    identity = await client.review_token("secret", "here")
    assert identity is not None
    assert (identity.pod_name, identity.pod_uid) == ("sum-1-xyz", "pod-uid")
    assert identity.service_account == ("team", "default")
    assert json.loads(api.requests[0][3])["spec"] == {"token": "secret", "audiences": ["here"]}


def test_tokens_that_do_not_count():
    assert identity_of_review({}, None) is None
    assert identity_of_review({"status": {"authenticated": False, "error": "expired"}}, None) is None
    accepted: JsonObject = {"status": {"authenticated": True, "user": USER}}
    assert identity_of_review(accepted, None) is not None
    assert identity_of_review(accepted, "here") is None, "an authenticator that knows no audiences"
    other: JsonObject = {"status": {"authenticated": True, "audiences": ["there"], "user": USER}}
    assert identity_of_review(other, "here") is None


def test_people_have_no_pod():
    identity = TokenIdentity("alice")
    assert (identity.pod_name, identity.pod_uid, identity.service_account) == (None, None, None)


async def test_access_is_reviewed_for_the_caller(client, api):
    identity = TokenIdentity("alice", groups=("dev",), extra={"scopes": ("a",)})
    asked = {
        "verb": "get",
        "group": "serviceexecution.dev",
        "resource": "serviceexecutions",
        "subresource": "log",
        "namespace": "ns",
        "name": "sum",
    }
    api.in_turn(
        (201, {"status": {"allowed": True}}, {}),
        (201, {"status": {"allowed": False}}, {}),
        (201, {}, {}),
    )
    assert await client.review_access(identity, **asked)
    assert not await client.review_access(identity, **asked)
    assert not await client.review_access(identity, **asked)
    spec = json.loads(api.requests[0][3])["spec"]
    assert spec == {
        "user": "alice",
        "uid": "",
        "groups": ["dev"],
        "extra": {"scopes": ["a"]},
        "resourceAttributes": asked,
    }
