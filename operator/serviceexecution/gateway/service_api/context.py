"""What every call of the Service API starts with: who calls, which service, which execution."""

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.requests import Request

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.access.callers import Access, Caller
from serviceexecution.gateway.data_pools.directory import PoolDirectory
from serviceexecution.gateway.http.forwarded import called_url
from serviceexecution.gateway.http.path_names import is_namespace, is_object_name
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.logs.streams import Streams
from serviceexecution.gateway.service_api.documents.execution_document import execution_document
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.gateway.state.estimates import queue_document
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.monthly_usage import UsageReads
from serviceexecution.gateway.state.outputs import CommittedOutputs
from serviceexecution.gateway.state.queues import waits_for
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.gateway.waiting.waits import Waits
from serviceexecution.resources.executions.execution import is_uuid
from serviceexecution.resources.names import DEFINITION_PLURAL, PLURAL
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.schemas.checker import SchemaChecker
from serviceexecution.store.store import ResultStore


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised call to a service."""

    caller: Caller
    definition: KnownDefinition
    base: str
    """The service's URL without a slash at its end."""


@dataclass(frozen=True, slots=True)
class ExecutionCall:
    """One authorised call about an execution."""

    caller: Caller
    execution: KnownExecution
    api_id: str
    view: JsonObject
    url: str
    """The execution's URL."""


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What the routes work with."""

    store: ResultStore
    outputs: CommittedOutputs
    client: GatewayKubernetes
    state: ServiceState
    access: Access
    settings: GatewaySettings
    schemas: SchemaChecker
    streams: Streams
    waits: Waits
    changes: Streams
    """Streams of executions as they change."""
    usages: UsageReads
    pools: PoolDirectory
    """Finds data pools."""

    async def service(
        self,
        request: Request,
        namespace: str,
        name: str,
        *,
        verb: str,
        resource: str = PLURAL,
        subresource: str = "",
    ) -> Call:
        """Authorise a call about the service itself; raises Problem 401, 403, 404, KubernetesError."""
        caller = await self.access.authenticate(request)
        self.check_names(namespace, name)
        asked = name if resource == DEFINITION_PLURAL else ""
        await self.access.require(
            caller,
            verb=verb,
            resource=resource,
            subresource=subresource,
            namespace=namespace,
            name=asked,
        )
        definition = await self.state.definition(namespace, name)
        if definition is None:
            raise _no_service(namespace, name)
        return Call(caller, definition, service_url(request, self.settings, namespace, name))

    async def execution(
        self,
        request: Request,
        namespace: str,
        name: str,
        api_id: str,
        *,
        verb: str = "get",
        subresource: str = "",
    ) -> ExecutionCall:
        """Authorise a call about one execution; raises Problem 401, 403, 404, KubernetesError."""
        caller = await self.access.authenticate(request)
        self.check_names(namespace, name)
        found = await self.found_execution(
            request, caller, namespace, name, api_id, verb=verb, subresource=subresource
        )
        api_id = self.state.id_of(found)
        url = f"{service_url(request, self.settings, namespace, name)}/{api_id}"
        return ExecutionCall(caller, found, api_id, await self.view(found), url)

    async def found_execution(
        self,
        request: Request,
        caller: Caller,
        namespace: str,
        service: str | None,
        api_id: str,
        *,
        verb: str,
        subresource: str,
    ) -> KnownExecution:
        """Return an execution of the service, or of any, if the caller may.

        Raises Problem 403, 404, KubernetesError.
        """
        if is_uuid(api_id.lower()):
            api_id = api_id.lower()  # RFC 9562: read in either case
        if not is_object_name(api_id):
            raise _no_execution(service, api_id)
        # Only in memory: nobody without rights makes us ask the API server
        found = self.state.known_execution(namespace, service, api_id)
        await self.access.require(
            caller,
            verb=verb,
            resource=PLURAL,
            subresource=subresource,
            namespace=namespace,
            name=api_id if found is None else found.name,
        )
        if found is None:
            found = await self.state.execution(namespace, service, api_id)
        found = None if found is None else await self.state.whole(found)
        if found is None:
            raise _no_execution(service, api_id)
        request.state.execution = found.reference
        return found

    async def view(self, execution: KnownExecution) -> JsonObject:
        """Return the execution as the API shows it."""
        definition, waits = None, waits_for(execution) is not None
        if execution.service_uid is None or waits:
            definition = await self.state.definition(execution.namespace, execution.service)
        uid = definition.metadata.uid if definition is not None else None
        whole = await self.state.whole(execution) or execution
        document = execution_document(whole, self.state.id_of(whole), uid)
        if not waits:
            return document
        most = None if definition is None else definition.concurrency
        queue = queue_document(execution, self.state.queues, most, datetime.now(UTC))
        return {**document, "queue": queue}

    async def whole_definition(self, known: KnownDefinition) -> ServiceDefinition:
        """Return the service with its schemas; raises Problem 404, 503, KubernetesError."""
        found = await self.state.whole_definition(known)
        if found is None:
            raise _no_service(known.metadata.namespace, known.metadata.name)
        return found

    def check_names(self, namespace: str, name: str) -> None:
        """Raise Problem 404 for what can be no service here."""
        if not is_namespace(namespace) or not is_object_name(name):
            raise _no_service(namespace, name)
        if self.settings.namespaces and namespace not in self.settings.namespaces:
            raise _no_service(namespace, name)


def service_url(request: Request, settings: GatewaySettings, namespace: str, name: str) -> str:
    """Return the service's absolute URL, by the settings or as the client has called it."""
    return f"{gateway_url(request, settings)}/services/{namespace}/{name}"


def gateway_url(request: Request, settings: GatewaySettings) -> str:
    """Return the gateway's absolute URL, without a slash at its end."""
    if settings.public_url:
        return settings.public_url
    return called_url(request, settings.trusted_proxies)


def _no_service(namespace: str, name: str) -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND,
        "ServiceNotFound",
        f"There is no service {name[:253]} in namespace {namespace[:63]}.",
    )


def _no_execution(service: str | None, api_id: str) -> Problem:
    sentence = (
        f"There is no execution {api_id[:253]}."
        if service is None
        else f"The service has no execution {api_id[:253]}."
    )
    return Problem(HTTPStatus.NOT_FOUND, "ExecutionNotFound", sentence)
