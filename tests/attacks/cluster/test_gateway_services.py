"""The gateway's account where the operator lets it write services: it makes what the platform's API says, and no more.

Whoever has taken it over has all of that. It must not get at the Secrets, accounts, volumes and pods that services of
other people have, nor give new ones any of them.
"""

import json
from collections.abc import Iterator

import pytest

from serviceexecution.contract.json_types import JsonObject, object_at
from serviceexecution.gateway.platform_api.services.managed_bodies import (
    archive_patch,
    new_definition,
    resource_patch,
    runtime_patch,
    source_patch,
)
from serviceexecution.gateway.platform_api.services.texts import (
    contacts_patch,
    description_patch,
    display_name_patch,
    links_patch,
    summary_patch,
)
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from tests.attacks.cluster.account import (
    OPERATOR_NAMESPACE,
    Account,
    accepted,
    merged,
    refusal,
    tenant_namespace,
)
from tests.cluster.kubectl import must

pytestmark = pytest.mark.cluster

GATEWAY = "serviceexecution-gateway"
MANAGED = "serviceexecution.dev/managed-service"
SECRET: JsonObject = {"name": "S", "valueFrom": {"secretKeyRef": {"name": "theirs", "key": "a"}}}
LOGIN: JsonObject = {"url": "https://a/b", "secretRef": {"name": "theirs"}}
BY_ADMINISTRATOR: JsonObject = {
    "runtime": {"docker": {"build": {"secrets": {"login": {"name": "theirs"}}}, "command": ["run"]}},
    "source": {"git": {"url": "https://example.com/a.git", "secretRef": {"name": "theirs"}}},
    "env": [SECRET],
    "serviceAccountName": "theirs",
    "podTemplate": {"spec": {"hostNetwork": False}},
}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account.of(GATEWAY) as found:
        yield found


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    """Return a namespace in which the gateway may write services, as with ``gateway.platformApi.write``.

    In it are one service of somebody's, one of whom the owner has labelled it, and one that the gateway has made.
    """
    with tenant_namespace() as name:
        there = f"--namespace={name}"
        right = ("--verb=create,patch", "--resource=servicedefinitions.serviceexecution.dev")
        must("create", "role", "services", there, *right)
        must(
            *("create", "rolebinding", "services", there, "--role=services"),
            f"--serviceaccount={OPERATOR_NAMESPACE}:{GATEWAY}",
        )
        made = new_definition(full_body(), "made", "d" * 64)
        for service, labels in (("theirs", {}), ("labelled", {MANAGED: "true"})):
            metadata: JsonObject = {"name": service, "labels": {**labels}}
            must("create", there, "-f", "-", stdin={**made, "metadata": metadata, "spec": BY_ADMINISTRATOR})
        must("create", there, "-f", "-", stdin=made)
        yield name


def full_body(**more: object) -> JsonObject:
    body = {
        "source": {"type": "file"},
        "summary": "Adds.",
        "description": "It adds.",
        "runtimeConfiguration": {"runtime": "DOCKER", "environment": {"A": "1"}},
        "resourceConfigurations": [{"type": "cpu", "amount": 500, "unit": "m"}],
        **more,
    }
    return json.loads(json.dumps(body))  # type: ignore[no-any-return]


def path(tenant: str, name: str | None = None) -> str:
    return SERVICE_DEFINITIONS.path(tenant, name)


@pytest.mark.parametrize(
    "body",
    [
        full_body(),
        {"source": {"type": "file"}},
        {"source": {"type": "registry", "image": "busybox"}},
        {"source": {"type": "repository", "fullPath": "https://example.com/a.git"}},
    ],
    ids=lambda body: f"{len(body)}-{body['source']['type']}",
)
def test_what_the_api_makes_is_let_through(account, tenant, body):
    accepted(account.create(path(tenant), new_definition(body, "new", "d" * 64)))


def test_what_the_api_changes_is_let_through(account, tenant):
    link: JsonObject = {"type": "OTHER", "name": "a", "url": "https://example.com"}
    mail: JsonObject = {"type": "EMAIL", "contact": "a@example.com"}
    texts = (
        summary_patch({"summary": "a"}),
        description_patch({"description": "a"}),
        display_name_patch({"displayName": "a"}),
        links_patch([link]),
        contacts_patch([mail]),
        {"spec": {"revision": "r1"}},
        {"spec": {"revision": None}},
    )
    for name in ("theirs", "labelled", "made"):
        for patch in texts:
            accepted(account.patch(path(tenant, name), patch))
    for name in ("labelled", "made"):
        definition = json.loads(must("get", "servicedefinition", name, f"--namespace={tenant}", "-o=json"))
        changes: tuple[JsonObject, ...] = (
            runtime_patch(definition, {"runtime": "PYTHON_TEMPLATE", "environment": {"B": "2"}}),
            resource_patch(definition, {"type": "memory", "amount": 1, "unit": "M"}),
            source_patch(definition, {"type": "registry", "image": "busybox"}),
            source_patch(definition, {"type": "repository", "fullPath": "https://example.org/b.git"}),
            {"spec": {"build": {"token": "t"}}},
            {"spec": {"inputSchema": {"type": "object"}, "outputSchema": {"type": "object"}}},
        )
        for change in changes:
            assert change
            accepted(account.patch(path(tenant, name), change))
    definition = json.loads(must("get", "servicedefinition", "made", f"--namespace={tenant}", "-o=json"))
    accepted(account.patch(path(tenant, "made"), archive_patch(definition, "a" * 64)))


ONLY_MANAGED = "The gateway may make managed services only"
NO_COMMAND = "without a command, arguments or Secrets"
NO_LOGIN = "no source with credentials"
NO_VALUE = "no variable whose value comes from elsewhere"
ONLY_LABELLED = f"only of those with the label {MANAGED}"
ONLY_TEXTS = "The gateway may change nothing of a service's"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"spec": {"podTemplate": {"spec": {"hostNetwork": True}}}}, ONLY_MANAGED),
        ({"spec": {"serviceAccountName": "admin"}}, ONLY_MANAGED),
        ({"spec": {"secrets": {"a": {"secretKeyRef": {"name": "theirs", "key": "a"}}}}}, ONLY_MANAGED),
        ({"spec": {"dataPools": {"a": {"persistentVolumeClaim": {"claimName": "theirs"}}}}}, ONLY_MANAGED),
        ({"spec": {"callback": {"url": "https://example.com"}}}, ONLY_MANAGED),
        ({"spec": {"securityContext": {"runAsUser": 0}}}, ONLY_MANAGED),
        ({"spec": {"imagePullSecrets": [{"name": "theirs"}]}}, ONLY_MANAGED),
        ({"spec": {"build": {"cache": {"persistentVolumeClaim": {"claimName": "theirs"}}}}}, ONLY_MANAGED),
        ({"metadata": {"labels": {MANAGED: None}}}, ONLY_MANAGED),
        ({"metadata": {"labels": {"a": "b"}}}, ONLY_MANAGED),
        ({"metadata": {"annotations": {"a": "b"}}}, ONLY_MANAGED),
        ({"metadata": {"finalizers": ["example.com/stay"]}}, ONLY_MANAGED),
        ({"spec": {"env": [SECRET]}}, NO_VALUE),
        (
            {
                "spec": {
                    "source": {
                        "archive": None,
                        "git": {"url": "https://a/b", "secretRef": {"name": "theirs"}},
                    }
                }
            },
            NO_LOGIN,
        ),
        ({"spec": {"runtime": {"docker": {"build": {"secrets": {"a": {"name": "theirs"}}}}}}}, NO_COMMAND),
        ({"spec": {"runtime": {"docker": {"command": ["sh"]}}}}, NO_COMMAND),
        ({"spec": {"runtime": {"docker": None, "python": {"packageIndex": {"name": "theirs"}}}}}, NO_COMMAND),
    ],
    ids=lambda value: json.dumps(value)[:70] if isinstance(value, dict) else "",
)
def test_a_new_service_has_nothing_but_what_the_api_says(account, tenant, change, sentence):
    made = new_definition(full_body(), "new", "d" * 64)
    assert sentence in refusal(account.create(path(tenant), merged(made, change)))


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        (
            "theirs",
            {"spec": {"source": None, "runtime": {"docker": {"build": None, "image": "evil"}}}},
            ONLY_LABELLED,
        ),
        (
            "theirs",
            {"spec": {"source": {"git": {"url": "https://evil/a", "secretRef": None}}}},
            ONLY_LABELLED,
        ),
        ("theirs", {"spec": {"env": [SECRET, {"name": "LD_PRELOAD", "value": "x"}]}}, ONLY_LABELLED),
        ("theirs", {"spec": {"resources": {"limits": {"cpu": "1"}}}}, ONLY_LABELLED),
        ("theirs", {"spec": {"build": {"token": "again"}}}, ONLY_LABELLED),
        ("theirs", {"spec": {"inputSchema": {"type": "object"}}}, ONLY_LABELLED),
        ("theirs", {"spec": {"outputSchema": {"type": "object"}}}, ONLY_LABELLED),
        ("theirs", {"metadata": {"labels": {MANAGED: "true"}}}, ONLY_TEXTS),
        ("labelled", {"metadata": {"labels": {MANAGED: None}}}, ONLY_TEXTS),
        ("labelled", {"metadata": {"annotations": {"a": "b"}}}, ONLY_TEXTS),
        ("labelled", {"metadata": {"finalizers": ["example.com/stay"]}}, ONLY_TEXTS),
        ("made", {"metadata": {"annotations": {"serviceexecution.dev/request-digest": "e"}}}, ONLY_TEXTS),
        ("labelled", {"spec": {"podTemplate": {"spec": {"hostNetwork": True}}}}, ""),
        ("made", {"spec": {"serviceAccountName": "admin"}}, ONLY_TEXTS),
        ("labelled", {"spec": {"serviceAccountName": None}}, ONLY_TEXTS),
        ("made", {"spec": {"concurrency": 1}}, ONLY_TEXTS),
        ("made", {"spec": {"limits": {"timeout": "9h"}}}, ONLY_TEXTS),
        ("made", {"spec": {"env": [SECRET]}}, NO_VALUE),
        ("labelled", {"spec": {"source": {"git": {"url": "https://evil/a"}}}}, NO_LOGIN),
        ("labelled", {"spec": {"runtime": {"docker": {"command": ["sh"]}}}}, NO_COMMAND),
        ("made", {"spec": {"runtime": {"docker": {"args": ["sh"]}}}}, NO_COMMAND),
        ("made", {"spec": {"runtime": {"docker": {"build": {"dockerfile": "other"}}}}}, NO_COMMAND),
        ("made", {"spec": {"build": {"timeout": "9h"}}}, "but spec.build.token"),
    ],
    ids=lambda value: json.dumps(value)[:70] if isinstance(value, dict) else "",
)
def test_a_service_is_changed_only_where_and_as_the_api_does(account, tenant, name, change, sentence):
    assert sentence in refusal(account.patch(path(tenant, name), change))


def test_the_services_are_as_they_were(tenant):
    definition = json.loads(must("get", "servicedefinition", "theirs", f"--namespace={tenant}", "-o=json"))
    assert object_at(definition, "spec")["env"] == [SECRET]
