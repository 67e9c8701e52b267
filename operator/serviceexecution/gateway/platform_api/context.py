"""What every call of the platform's API starts with: who calls, in which namespace, about which execution."""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter
from starlette.requests import Request

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.fairness.payers import pay_as
from serviceexecution.gateway.access.bearer import AUTH_TOKEN_HEADER
from serviceexecution.gateway.access.callers import Caller
from serviceexecution.gateway.access.rights import RUN
from serviceexecution.gateway.http.path_names import is_namespace
from serviceexecution.gateway.http.payers import caller_payer
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.problem_route import ProblemRoute
from serviceexecution.gateway.platform_api.service_lookup import ServiceLookup
from serviceexecution.gateway.service_api.context import (
    Call,
    ExecutionCall,
    ServiceContext,
    gateway_url,
    service_url,
)
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.parents import holder_now
from serviceexecution.kube.client import TokenIdentity
from serviceexecution.resources.names import DEFINITION_PLURAL, PLURAL


@dataclass(frozen=True, slots=True)
class PlatformContext:
    """What the routes work with: what the Service API has, for all services of a namespace."""

    services: ServiceContext
    lookup: ServiceLookup

    async def enter(
        self,
        request: Request,
        namespace: str,
        *,
        verb: str,
        resource: str = PLURAL,
        subresource: str = "",
        name: str = "",
    ) -> Caller:
        """Authorise a call about the namespace; raises Problem 401, 403, 404, KubernetesError."""
        caller = await self.known_caller(request, namespace)
        await self.services.access.require(
            caller, verb=verb, resource=resource, subresource=subresource, namespace=namespace, name=name
        )
        return caller

    async def known_caller(self, request: Request, namespace: str) -> Caller:
        """Return who calls, whatever they may do; raises Problem 401, 404, KubernetesError."""
        if self.running_caller(request, namespace) is not None:
            raise Problem(
                HTTPStatus.FORBIDDEN, "Forbidden", "An execution's token reads only the execution itself."
            )
        caller = await self.services.access.authenticate(request)
        watched = self.services.settings.namespaces
        if not is_namespace(namespace) or (watched and namespace not in watched):
            raise Problem(
                HTTPStatus.NOT_FOUND,
                "NamespaceNotFound",
                f"There is no namespace {namespace[:63]} here; the base URL is <gateway>/platform/<namespace>.",
            )
        return caller

    def running_caller(self, request: Request, namespace: str) -> tuple[Caller, KnownExecution] | None:
        """Return the running execution that calls with its own token, None when somebody else calls."""
        found = holder_now(self.services.state, request.headers.get(AUTH_TOKEN_HEADER, "").strip(), namespace)
        if found is None:
            return None
        username = f"execution:{namespace}/{found.name}"
        request.state.caller = username
        pay_as(caller_payer(username))
        return Caller(username, TokenIdentity(username), found.uid), found

    async def execution(
        self,
        request: Request,
        namespace: str,
        api_id: str,
        *,
        verb: str = "get",
        subresource: str = "",
        own: bool = False,
    ) -> ExecutionCall:
        """Authorise a call about one execution; ``own``: which the execution itself may make with its token.

        Raises Problem 401, 403, 404, KubernetesError.
        """
        running = self.running_caller(request, namespace) if own else None
        if running is not None and api_id in {running[1].uid, running[1].name}:
            caller, found = running
            request.state.execution = found.reference
        else:
            caller = await self.known_caller(request, namespace)
            found = await self.services.found_execution(
                request, caller, namespace, None, api_id, verb=verb, subresource=subresource
            )
        api_id = self.services.state.id_of(found)
        url = f"{platform_url(request, self.services, namespace)}/service-executions/{api_id}"
        return ExecutionCall(caller, found, api_id, await self.view(found), url)

    async def may_run_all(self, caller: Caller, namespace: str) -> bool:
        """Tell whether the caller may run each service of the namespace; raises KubernetesError."""
        return await self.may(
            caller, namespace, verb=RUN.verb, resource=RUN.resource, subresource=RUN.subresource
        )

    async def may(
        self,
        caller: Caller,
        namespace: str,
        *,
        verb: str,
        resource: str,
        subresource: str = "",
        name: str = "",
    ) -> bool:
        """Tell whether the caller may do that; raises KubernetesError."""
        try:
            await self.services.access.require(
                caller, verb=verb, resource=resource, subresource=subresource, namespace=namespace, name=name
            )
        except Problem as problem:
            if problem.status != HTTPStatus.FORBIDDEN:
                raise
            return False
        return True

    async def service(
        self,
        request: Request,
        caller: Caller,
        namespace: str,
        service_id: str,
        *,
        verb: str,
        subresource: str = "",
    ) -> Call:
        """Authorise a call about the service of that id; raises Problem 403, 404, KubernetesError."""
        # Only in memory: nobody without rights makes us ask the API server
        found = self.lookup.known(namespace, service_id)
        await self._require(
            caller, namespace, service_id if found is None else found.metadata.name, verb, subresource
        )
        if found is None:
            found = await self.lookup.find(namespace, service_id)
        if found is None:
            raise _no_service(service_id)
        return Call(
            caller, found, service_url(request, self.services.settings, namespace, found.metadata.name)
        )

    async def service_of(
        self, request: Request, caller: Caller, execution: KnownExecution, *, verb: str, subresource: str = ""
    ) -> Call:
        """Authorise a call about the service that an execution is a run of; raises as ``service``."""
        namespace, name = execution.namespace, execution.service
        await self._require(caller, namespace, name, verb, subresource)
        found = await self.services.state.definition(namespace, name)
        if found is None:
            raise _no_service(name)
        return Call(caller, found, service_url(request, self.services.settings, namespace, name))

    async def _require(self, caller: Caller, namespace: str, name: str, verb: str, subresource: str) -> None:
        await self.services.access.require(
            caller,
            verb=verb,
            resource=DEFINITION_PLURAL,
            subresource=subresource,
            namespace=namespace,
            name=name,
        )

    async def view(self, execution: KnownExecution) -> JsonObject:
        """Return the execution as this API shows it."""
        whole = await self.services.state.whole(execution) or execution
        return {**await self.services.view(whole), **further_members(whole)}


def _no_service(service: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "ServiceNotFound", f"There is no service {service[:253]}.")


def further_members(execution: KnownExecution) -> JsonObject:
    """Return what this API shows of an execution beside what the Service API does. Pure."""
    found: JsonObject = {
        "applicationId": execution.access_key,
        "name": execution.name,
        "serviceName": execution.service,
        "reason": execution.reason,
        "message": execution.message,
    }
    return {name: value for name, value in found.items() if value}


def platform_url(request: Request, services: ServiceContext, namespace: str) -> str:
    """Return the absolute base URL of the namespace, without a slash at its end."""
    return f"{gateway_url(request, services.settings)}/platform/{namespace}"


def platform_router() -> APIRouter:
    """Return a router whose problems are those of this API."""
    return APIRouter(redirect_slashes=False, route_class=ProblemRoute)
