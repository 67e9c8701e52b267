"""H6 and M5: rights that mean more than they say. Each fails on 9b98b50, but for the one of older keys.

H6: the right to submit was ``create serviceexecutions``, with which kubectl runs any image. M5: a remembered yes
counted for another token of the same user, although the API server is asked about more than the user.
"""

import pytest

from serviceexecution.cli.access_key_objects import GatewayAccount, key_objects
from serviceexecution.kube.client import TokenIdentity
from serviceexecution.resources.access_key import KeyId
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import Service, is_problem

SCOPES = "scopes.authorization.openshift.io"


def only(*granted):
    """Allow these (verb, resource/subresource) alone."""

    def allowed(question):
        path = "/".join(filter(None, (question["resource"], question["subresource"])))
        return (question["verb"], path) in granted

    return allowed


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path)


async def test_to_submit_takes_a_right_that_is_worth_nothing_at_the_api_server(service):
    service.cluster.allowed = only(("create", "servicedefinitions/run"))
    assert (await service.post()).status_code == 201


async def test_to_cancel_takes_a_right_that_is_worth_nothing_at_the_api_server(service):
    name = await service.started()
    service.cluster.allowed = only(("update", "serviceexecutions/cancel"))
    assert (await service.http.put(f"{service.base}/{name}/cancel")).status_code == 200
    assert service.executions()[name]["spec"]["cancel"] is True


@pytest.mark.parametrize(
    ("call", "missing"),
    [("post", "create servicedefinitions/run"), ("cancel", "update serviceexecutions/cancel")],
)
async def test_who_has_the_right_of_an_older_version_alone_is_told_which_one_to_add(service, call, missing):
    name = await service.started()
    service.cluster.allowed = only(("create", "serviceexecutions"), ("patch", "serviceexecutions"))
    service.cluster.tokens["old", None] = TokenIdentity("old")
    old = {"Authorization": "Bearer old"}
    if call == "post":
        answer = await service.post(headers={**old, "Content-Type": "application/json"})
    else:
        answer = await service.http.put(f"{service.base}/{name}/cancel", headers=old)
    assert is_problem(answer, 403, "Forbidden")
    assert missing in answer.json()["detail"]
    assert "-submit" in answer.json()["detail"]


async def test_a_single_service_may_be_granted(service):
    service.cluster.define("other")
    service.cluster.allowed = lambda asked: asked["subresource"] == "run" and asked["name"] == SERVICE
    assert (await service.post()).status_code == 201
    other = await service.http.post(f"/services/{NAMESPACE}/other", content=b"{}")
    assert is_problem(other, 403, "Forbidden")


async def test_no_call_asks_for_a_verb_that_writes_at_the_api_server(service):
    asked = []

    def remember(question):
        asked.append(question)
        return True

    service.cluster.allowed = remember
    name = await service.started()
    await service.http.put(f"{service.base}/{name}/cancel")
    for path in (
        "",
        f"/{name}",
        f"/{name}/result",
        f"/{name}/log",
        f"/{name}/interim-results",
        "/openapi.json",
    ):
        await service.get(path)
    digest = "0" * 64
    await service.http.put(f"/api/v1/namespaces/{NAMESPACE}/sources/{digest}", content=b"x")
    writes = [question for question in asked if question["verb"] not in {"get", "list"}]
    served = {"", "status", "scale"}
    assert writes
    assert not [question for question in writes if question["subresource"] in served]


def test_keys_of_older_versions_get_the_new_rights_with_the_chart_s_role():
    """They are bound to it by name: an upgrade that changes the role serves them, too."""
    made = key_objects(KeyId(NAMESPACE, "k0"), "uid", GatewayAccount("system", "gateway", "sx-submit"))
    bindings = [manifest["roleRef"] for plural, manifest in made if plural == "rolebindings"]
    assert {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "sx-submit"} in bindings


async def test_a_scoped_token_gets_nothing_that_the_same_user_s_full_one_may(service):
    """M5: user, uid and groups are the same; the API server is told of ``extra``, too."""
    full = TokenIdentity("alice", "u1", ("g",), {})
    scoped = TokenIdentity("alice", "u1", ("g",), {SCOPES: ("user:info",)})
    service.cluster.tokens = {("full", None): full, ("scoped", None): scoped}

    async def review_access(identity, **_):
        return SCOPES not in identity.extra

    service.cluster.review_access = review_access
    statuses = [
        (await service.get(headers={"Authorization": f"Bearer {token}"})).status_code
        for token in ("full", "scoped", "full")
    ]
    assert statuses == [200, 403, 200]


async def test_groups_are_told_apart_whatever_stands_in_their_names(service):
    """M5: joined by commas, two groups were one."""
    service.cluster.tokens = {
        ("one", None): TokenIdentity("alice", "u1", ("a,b",)),
        ("two", None): TokenIdentity("alice", "u1", ("a", "b")),
    }

    async def review_access(identity, **_):
        return identity.groups == ("a,b",)

    service.cluster.review_access = review_access
    statuses = [
        (await service.get(headers={"Authorization": f"Bearer {token}"})).status_code
        for token in ("one", "two")
    ]
    assert statuses == [200, 403]
