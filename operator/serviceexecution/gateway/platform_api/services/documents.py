"""A service as the platform's API shows it: a service with one definition, which have the same id. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.accelerators import Accelerators
from serviceexecution.gateway.platform_api.service_lookup import lifecycle_of
from serviceexecution.gateway.platform_api.services.resource_amounts import shown_resources
from serviceexecution.gateway.platform_api.services.texts import shown_contacts, shown_links, shown_summary
from serviceexecution.gateway.service_api.documents.execution_document import timestamp
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.store.usage.sums import MonthlyUsage, month_of

Permission = Literal["VIEWER", "MAINTAINER", "OWNER"]


def overview(known: KnownDefinition) -> JsonObject:
    """Return the service as lists show it."""
    return {
        "id": known.metadata.uid,
        "serviceDefinitionId": known.metadata.uid,
        "name": known.metadata.name,
        "displayName": known.display_name or known.metadata.name,
        "type": "MANAGED",
        "lifecycle": lifecycle_of(known),
        **_created(known.metadata.creation_timestamp),
    }


def service_document(
    known: KnownDefinition,
    definition: ServiceDefinition,
    permission: Permission,
    endpoint: str,
    accelerators: Accelerators,
) -> JsonObject:
    """Return the service; ``endpoint`` is its URL in the Service API."""
    return {
        "id": known.metadata.uid,
        "name": known.metadata.name,
        "displayName": known.display_name or known.metadata.name,
        "currentUserPermission": permission,
        "serviceDefinitions": [_definition(known, definition, endpoint, accelerators)],
        "contacts": shown_contacts(definition.metadata.annotations),
        "links": shown_links(definition.metadata.annotations),
    }


def statistics(
    executions: Iterable[KnownExecution], kept: Iterable[MonthlyUsage], now: datetime
) -> JsonObject:
    """Return how many executions there were: of those that still exist when they were created, of all that have ended
    when that was, whichever is more. Nobody gives stars here.
    """
    this_month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last_month = _months_before(this_month, 1)
    three_months = _months_before(this_month, 3)
    known = [*executions]
    created = [one.created for one in known]
    going = sum(not one.has_ended for one in known)
    ended = {one.month: one.executions for one in kept}
    counts = {
        "totalCount": (len(created), sum(ended.values()) + going),
        "thisMonthCount": (sum(time >= this_month for time in created), ended.get(month_of(this_month), 0)),
        "lastMonthCount": (
            sum(last_month <= time < this_month for time in created),
            ended.get(month_of(last_month), 0),
        ),
        "lastThreeMonthsCount": (
            sum(time >= three_months for time in created),
            sum(number for month, number in ended.items() if month >= month_of(three_months)),
        ),
    }
    return {
        "stars": 0,
        "subscriptionCount": 0,
        "managedServiceExecutions": {name: max(*both) for name, both in counts.items()},
    }


def _definition(
    known: KnownDefinition, definition: ServiceDefinition, endpoint: str, accelerators: Accelerators
) -> JsonObject:
    spec = definition.spec
    document: JsonObject = {
        "id": known.metadata.uid,
        "name": known.metadata.name,
        "version": known.status.revision,
        "summary": shown_summary(definition.metadata.annotations) or spec.display_name,
        "description": spec.description,
        "gatewayEndpoint": endpoint,
        "productionEndpoint": endpoint,
        "type": "MANAGED",
        "lifecycle": lifecycle_of(known),
        "pricingPlans": [],
        "configurations": shown_resources(spec.resources, accelerators),
        "runtimeConfiguration": {
            "runtime": "DOCKER" if spec.runtime.python is None else "PYTHON_TEMPLATE",
            "applyProviderTokens": False,
        },
        "source": _source(definition),
        **_created(known.metadata.creation_timestamp),
    }
    return {name: value for name, value in document.items() if value is not None}


def _source(definition: ServiceDefinition) -> JsonObject | None:
    docker, source = definition.spec.runtime.docker, definition.spec.source
    if docker is not None and docker.image is not None:
        return {"type": "registry", "image": docker.image}
    if source is None:
        return None
    return {"type": "file"} if source.git is None else {"type": "repository", "fullPath": source.git.url}


def _months_before(month: datetime, number: int) -> datetime:
    years, index = divmod(month.month - 1 - number, 12)
    return month.replace(year=month.year + years, month=index + 1)


def _created(time: datetime | None) -> JsonObject:
    return {} if time is None else {"createdAt": timestamp(time)}
