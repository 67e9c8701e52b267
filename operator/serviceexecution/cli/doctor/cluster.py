"""The cluster and all on the way to a result: rights, gateway, account, registry, quota, queue."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from serviceexecution.cli.client.channel import RefusedError
from serviceexecution.cli.cluster.api import ApiError, document_of
from serviceexecution.cli.doctor.finding import Finding, State
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.session import Session
from serviceexecution.cli.summaries import execution_summary, service_summary
from serviceexecution.contract.json_types import JsonObject, object_at, text_at
from serviceexecution.contract.quantities import exact_quantity
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS, ResourceKind
from serviceexecution.resources.names import API_GROUP, DEFINITION_PLURAL, PLURAL

_REVIEWS: Final = ResourceKind("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
_QUOTAS: Final = ResourceKind("", "v1", "resourcequotas")
_RIGHTS: Final = (
    ("list", API_GROUP, DEFINITION_PLURAL, "", "see services", "view"),
    ("list", API_GROUP, PLURAL, "", "see executions", "view"),
    ("patch", API_GROUP, DEFINITION_PLURAL, "", "deploy", "edit"),
    ("patch", API_GROUP, PLURAL, "", "cancel executions", "edit"),
    ("create", "", "serviceaccounts", "token", "get a token for the gateway", "edit"),
)
"""Verb, group, resource, subresource, what it is for, and the role that has it."""
_REGISTRY: Final = frozenset(
    {"RegistryUnavailable", "RegistryRefused", "RegistryFull", "ImagePullForbidden", "ImagePullFailed"}
)
_LONG_WAIT: Final = timedelta(minutes=10)
_NOBODY: Final = "sx-doctor"
"""A service that there is hardly: what counts is whether cluster and gateway would say so."""


def look_at_cluster(session: Session) -> Iterator[Finding]:
    """Give what is found, the nearest first; ends where nothing behind it can be looked at."""
    installed = _installed(session)
    yield installed
    if installed.state is State.WRONG:
        return
    yield from _rights(session)
    gateway = _gateway(session)
    yield gateway
    if gateway.state is not State.WRONG:
        yield _account(session)
    yield _builds(session)
    yield from _quotas(session)
    yield _queue(session)


def _installed(session: Session) -> Finding:
    try:
        session.api.get(SERVICE_DEFINITIONS, session.namespace, _NOBODY)
    except CommandError as error:
        return Finding(
            "cluster", State.WRONG, str(error), "sx doctor --context CONTEXT looks at another cluster."
        )
    except ApiError as error:
        if error.status != 403:
            return Finding("cluster", State.WRONG, str(error), "Ask who runs the cluster.")
    return Finding("cluster", State.GOOD, f"{session.context.name}, namespace {session.namespace}.")


def _rights(session: Session) -> Iterator[Finding]:
    lacking = [right for right in _RIGHTS if not _may(session, *right[:4])]
    for verb, group, resource, subresource, purpose, role in lacking:
        thing = "/".join(part for part in (resource, subresource) if part) + (f".{group}" if group else "")
        yield Finding(
            "rights",
            State.WRONG,
            f"You may not {purpose} in namespace {session.namespace}: {verb} {thing}.",
            f"Ask for it: kubectl -n {session.namespace} create rolebinding NAME --clusterrole={role} --user=YOU",
        )
    if not lacking:
        yield Finding("rights", State.GOOD, "You may deploy, run, look and cancel.")


def _may(session: Session, verb: str, group: str, resource: str, subresource: str) -> bool:
    attributes: JsonObject = {
        "namespace": session.namespace,
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
    }
    review: JsonObject = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
        "spec": {"resourceAttributes": attributes},
    }
    return object_at(session.api.create(_REVIEWS, None, review), "status").get("allowed") is True


def _gateway(session: Session) -> Finding:
    try:
        place = session.gateway
    except CommandError as error:
        return Finding("gateway", State.WRONG, str(error))
    answer = session.api.http.get(f"{place.proxy_path}/readyz")
    if answer.is_success:
        return Finding("gateway", State.GOOD, f"{place.namespace}/{place.name} is ready.")
    document = document_of(answer)
    said = str(document.get("detail") or document.get("message") or f"It answers with {answer.status_code}.")
    if answer.status_code == 403:
        fix = f"Ask for the Role serviceexecution-gateway-proxy in namespace {place.namespace}."
    else:
        fix = (
            f"Look at its pods: kubectl -n {place.namespace} get pods -l app.kubernetes.io/component=gateway"
        )
    return Finding("gateway", State.WRONG, said, fix)


def _account(session: Session) -> Finding:
    try:
        session.channel.request("GET", f"/services/{session.namespace}/{_NOBODY}", repeatable=False)
    except RefusedError as error:
        if error.status != 404:
            return Finding(
                "account", State.WRONG, str(error), "docs/cli.md, Access, says which role is missing."
            )
    except (CommandError, ApiError) as error:
        return Finding("account", State.WRONG, str(error), "docs/cli.md, Access, says which role is missing.")
    return Finding("account", State.GOOD, "The gateway takes the token that sx gets for you.")


def _builds(session: Session) -> Finding:
    """Say what registries have done to builds: nobody else can try what a build pod may push."""
    try:
        services = [
            service_summary(item) for item in session.api.list(SERVICE_DEFINITIONS, session.namespace)
        ]
    except ApiError as error:
        return Finding("registry", State.UNKNOWN, str(error))
    for service in services:
        newest = next(iter(service.revisions), None)
        if newest is not None and newest.reason in _REGISTRY:
            return Finding(
                "registry",
                State.WRONG,
                f"The newest build of {service.name}, {newest.name}, has failed: {newest.message}",
                f"Who runs the cluster looks at builds.registry of the chart; then: sx deploy. "
                f"sx builds logs {service.name} has the log.",
            )
    return Finding("registry", State.GOOD, "No newest build has failed because of a registry.")


def _quotas(session: Session) -> Iterator[Finding]:
    try:
        quotas = session.api.list(_QUOTAS, session.namespace)
    except ApiError as error:
        yield Finding("quota", State.UNKNOWN, f"Quotas cannot be seen: {error}")
        return
    full = [finding for quota in quotas for finding in _full(quota, session.namespace)]
    yield from full
    if not full:
        yield Finding("quota", State.GOOD, "There is room." if quotas else "The namespace has no quota.")


def _full(quota: JsonObject, namespace: str) -> Iterator[Finding]:
    name = text_at(quota, "metadata", "name")
    used = object_at(quota, "status", "used")
    for resource, most in object_at(quota, "status", "hard").items():
        if resource in used and _at_least(str(used[resource]), str(most)):
            yield Finding(
                "quota",
                State.WARNING,
                f"The quota {name} has no room for more {resource}: {used[resource]} of {most}.",
                f"Delete what has ended, such as sx delete --all --older 7d -n {namespace}, or ask for more.",
            )


def _queue(session: Session) -> Finding:
    try:
        items = session.api.list(SERVICE_EXECUTIONS, session.namespace)
    except ApiError as error:
        return Finding("queue", State.UNKNOWN, str(error))
    before = datetime.now(UTC) - _LONG_WAIT
    waiting = [
        view
        for view in map(execution_summary, items)
        if view.phase == "Pending" and view.created is not None and view.created < before
    ]
    if waiting:
        oldest = min(waiting, key=lambda view: view.created or before)
        why = oldest.message or "Nobody says why: the operator's controller may not run."
        return Finding(
            "queue",
            State.WARNING,
            f"{len(waiting)} executions have waited for more than 10 minutes. {oldest.name}: {why}",
            f"sx watch {oldest.name}",
        )
    return Finding("queue", State.GOOD, "Nothing has waited for more than 10 minutes.")


def _at_least(used: str, most: str) -> bool:
    have, limit = exact_quantity(used), exact_quantity(most)
    return have is not None and limit is not None and have >= limit
