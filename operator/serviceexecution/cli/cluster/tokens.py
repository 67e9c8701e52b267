"""The token that the gateway gets. The API server's proxy keeps ``Authorization`` for itself, so it has its own header.

It is always one that is good at the gateway alone, for an hour, by its audience. What the kubeconfig holds, tokens and
certificates, is good at the API server and goes nowhere else. Such a token is a ServiceAccount's: of the account that
SX_ACCOUNT names, else of the caller's own account where the caller is one, else of ``sx-cli`` in the namespace, which
is made on first use. Nothing is written to disk.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from serviceexecution.cli.client.channel import RefusedError
from serviceexecution.cli.cluster.accounts import (
    ACCOUNT,
    ACCOUNT_VARIABLE,
    Account,
    ensure_account,
    how_to_make,
    own_account,
)
from serviceexecution.cli.cluster.api import ApiError, ClusterApi
from serviceexecution.cli.cluster.gateway import GatewayService, no_gateway, place_of
from serviceexecution.cli.errors import CommandError
from serviceexecution.kube.configuration.credentials import Credentials
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.token_requests import token_of_request, token_request
from serviceexecution.resources.names import API_GROUP

TOKEN_HEADER: Final = "X-ServiceExecution-Authorization"  # noqa: S105 - a header's name
AUDIENCE: Final = f"services.{API_GROUP}"
_SECONDS: Final = 3600
_EARLY_SECONDS: Final = 120.0


class GatewayToken:
    """State owner of the token for the gateway, for one namespace."""

    def __init__(
        self,
        api: ClusterApi,
        credentials: Credentials,
        namespace: str,
        gateway: GatewayService,
        *,
        told: Account | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``told`` is the account that the caller has chosen."""
        self._api = api
        self._credentials = credentials
        self._namespace = namespace
        self._gateway = gateway
        self._told = told
        self._clock = clock
        self._account = told or Account(namespace, ACCOUNT)
        self._token = ""
        self._expires = 0.0

    def headers(self) -> dict[str, str]:
        """Return the header with a token that is valid now; raises CommandError, ApiError."""
        if self._expires - _EARLY_SECONDS <= self._clock():
            token, expires = self._request()
            self._token, self._expires = token, expires.timestamp()
        return {TOKEN_HEADER: f"Bearer {self._token}"}

    def forget(self) -> None:
        """Ask for a new token next time: the gateway has refused this one."""
        self._expires = 0.0

    def explain(self, refused: RefusedError) -> str:
        """Return what to do about a refusal, "" where its own sentence says all."""
        if refused.by_cluster:
            place = place_of(self._gateway)
            match refused.status:
                case 403:
                    return (
                        f"You need the way to the gateway, the Role {self._gateway.name}-proxy in namespace "
                        f"{self._gateway.namespace}."
                    )
                case 404:
                    return no_gateway(place)
            return ""
        if refused.status == 403 and self._account.name == ACCOUNT:
            role = f"{self._gateway.name.removesuffix('-gateway')}-develop"
            return (
                f"sx calls as the account {self._account}. Somebody who may make RoleBindings there gives it its role, "
                f"once, with: {how_to_make(self._account, role)}"
            )
        return ""

    def _request(self) -> tuple[str, datetime]:
        try:
            if self._told is None:
                own = self._of_own_account()
                if own is not None:
                    return own
                ensure_account(self._api, self._namespace)
            return self._mint(self._account)
        except ApiError as error:
            raise self._refused(error) from None
        except KubernetesError as error:
            raise CommandError(f"There is no token for the gateway: {error}") from None

    def _of_own_account(self) -> tuple[str, datetime] | None:
        """Return a token of the account that the caller is; None for people, and for accounts that may not have it."""
        own = None if self._credentials.impersonates else own_account(self._credentials.current().token)
        if own is None:
            return None
        try:
            minted = self._mint(own)
        except ApiError as error:
            if error.status not in {403, 404}:
                raise
            return None
        self._account = own
        return minted

    def _mint(self, account: Account) -> tuple[str, datetime]:
        request = token_request(AUDIENCE, _SECONDS, None)
        return token_of_request(self._api.create_token(account.namespace, account.name, request))

    def _refused(self, error: ApiError) -> CommandError:
        account = self._account
        if error.status == 404 and self._told is None:
            return CommandError(
                f"There is no namespace {self._namespace}; create it with: kubectl create namespace {self._namespace}"
            )
        if error.status == 404:
            return CommandError(
                f"There is no ServiceAccount {account}, which {ACCOUNT_VARIABLE} names: {error}"
            )
        if error.status == 403:
            return CommandError(
                "Your own token or client certificate is only for the API server, so sx shows the gateway a token of "
                f"the ServiceAccount {account.name} in the namespace {account.namespace}, and you may not have it: "
                f"{error}. Ask for the right to create its tokens, or name another account with {ACCOUNT_VARIABLE}."
            )
        return CommandError(f"There is no token for the gateway: {error}")
