"""One command's way into a cluster: context, namespace, API server, and the gateway when it is needed."""

import contextlib
import os
import shlex
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from serviceexecution.cli.client.channel import Channel
from serviceexecution.cli.cluster.accounts import ACCOUNT_VARIABLE, told_account
from serviceexecution.cli.cluster.api import ClusterApi
from serviceexecution.cli.cluster.connection import connect
from serviceexecution.cli.cluster.gateway import (
    DEFAULT_PLACE,
    GATEWAY_VARIABLE,
    GatewayPlace,
    GatewayService,
    find_gateway_service,
    gateway_place,
    public_url,
)
from serviceexecution.cli.cluster.tokens import GatewayToken
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.service_client import ServiceClient
from serviceexecution.cli.summaries import (
    ExecutionSummary,
    ServiceSummary,
    execution_summary,
    service_summary,
)
from serviceexecution.contract.json_types import JsonObject, text_at
from serviceexecution.kube.configuration.credentials import Credentials
from serviceexecution.kube.configuration.kubeconfig import KubeContext, load_context
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS, path_segment

USER_API: Final = "/api/v1"


class Session:
    """What commands work with. Raises what ClusterApi and Channel raise."""

    def __init__(
        self,
        context: KubeContext,
        namespace: str,
        api: ClusterApi,
        credentials: Credentials,
        *,
        flags: str = "",
        place: GatewayPlace = DEFAULT_PLACE,
    ) -> None:
        """``flags`` are those of the command line that lead here again, with a space before each."""
        self.flags = flags
        self.context = context
        self.namespace = namespace
        self.api = api
        self._credentials = credentials
        self._place = place

    @cached_property
    def gateway(self) -> GatewayService:
        """Return the gateway's Service; raises CommandError when there is none."""
        return find_gateway_service(self.api, self._place)

    @cached_property
    def channel(self) -> Channel:
        """Return the way to the gateway through the API server."""
        told = told_account(os.environ.get(ACCOUNT_VARIABLE, ""), self.namespace)
        token = GatewayToken(self.api, self._credentials, self.namespace, self.gateway, told=told)
        return Channel(self.gateway.proxy_path, self.api.http, token)

    def service_client(self, service: str) -> ServiceClient:
        """Return a client of a service of the namespace."""
        return ServiceClient.over(self.channel.below(self._service_path(service)))

    def service_url(self, service: str) -> str:
        """Return the URL by which programs call a service."""
        return public_url(self.api, self.gateway) + self._service_path(service)

    def _service_path(self, service: str) -> str:
        return f"/services/{path_segment(self.namespace)}/{path_segment(service)}"

    def service(self, name: str) -> ServiceSummary:
        """Return a service; raises CommandError when there is none."""
        return service_summary(self.service_object(name))

    def service_object(self, name: str) -> JsonObject:
        """Return a service as it is; raises CommandError when there is none."""
        found = self.api.get(SERVICE_DEFINITIONS, self.namespace, name)
        if found is None:
            raise CommandError(
                f"There is no service {name} in namespace {self.namespace}; see them with: sx services"
            )
        return found

    def execution(self, name: str) -> ExecutionSummary:
        """Return an execution by its name, or by the id that the Service API shows; raises CommandError."""
        return execution_summary(self.execution_object(name))

    def execution_object(self, name: str) -> JsonObject:
        """Return an execution as it is, found as ``execution`` finds it; raises CommandError."""
        found = self.api.get(SERVICE_EXECUTIONS, self.namespace, name)
        if found is not None:
            return found
        for item in self.api.list(SERVICE_EXECUTIONS, self.namespace):
            if text_at(item, "metadata", "uid") == name:
                return item
        raise CommandError(
            f"There is no execution {name} in namespace {self.namespace}; see them with: sx status"
        )


@contextlib.contextmanager
def open_session(context: str = "", namespace: str = "", gateway: str = "") -> Iterator[Session]:
    """Open the kubeconfig's context; ``namespace`` "" is the context's own, ``gateway`` "" the chart's default place.

    Raises KubeconfigError.
    """
    place = gateway_place(gateway)
    found = load_context(context or None)
    credentials = Credentials(found)
    flags = f" --context {shlex.quote(context)}" if context else ""
    if namespace and namespace != found.namespace:
        flags += f" -n {shlex.quote(namespace)}"
    if place not in {DEFAULT_PLACE, gateway_place(os.environ.get(GATEWAY_VARIABLE, ""))}:
        flags += f" --gateway {place}"
    with ClusterApi(connect(found, credentials), context=found.name) as api:
        yield Session(found, namespace or found.namespace, api, credentials, flags=flags, place=place)
