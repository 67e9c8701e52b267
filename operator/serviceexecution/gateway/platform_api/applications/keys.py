"""Access keys as applications: which ones a caller may see, and what a key may do."""

from http import HTTPStatus

from serviceexecution.gateway.access.callers import Caller
from serviceexecution.gateway.access.rights import RUN
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.context import PlatformContext
from serviceexecution.kube.client import TokenIdentity
from serviceexecution.resources.access_key import KeyId
from serviceexecution.resources.names import PLURAL


async def keys_of(context: PlatformContext, caller: Caller, namespace: str) -> list[str]:
    """Return the ids of the caller's own key, and of those with executions when it may list them.

    They are keys of the namespace: an execution is said to be of another's by whoever writes it, and what that key may
    do is nobody's business here. Raises Problem 403 when neither is so, KubernetesError.
    """
    own = KeyId.of_account(caller.username)
    found = {str(own)} if own is not None and own.namespace == namespace else set()
    if await context.may(caller, namespace, verb="list", resource=PLURAL):
        executions = await context.services.state.executions(namespace, None)
        here = f"{namespace}."
        found |= {one.access_key for one in executions if one.access_key and one.access_key.startswith(here)}
    elif not found:
        await context.services.access.require(caller, verb="list", resource=PLURAL, namespace=namespace)
    return sorted(found)


async def require_key(context: PlatformContext, caller: Caller, namespace: str, key_id: str) -> KeyId:
    """Return a key that the caller may see; raises Problem 403, 404, KubernetesError."""
    found = KeyId.parse(key_id)
    if key_id not in await keys_of(context, caller, namespace) or found is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "ApplicationNotFound",
            f"There is no application {key_id[:128]} here, or none that has run something: an application is an "
            "access key.",
        )
    return found


async def key_may_run(context: PlatformContext, caller: Caller, key: KeyId, service: str) -> bool:
    """Tell whether the key's account may run a service, "" for all of its namespace; raises KubernetesError."""
    account = _account(caller, key)
    return await context.may(
        account,
        key.namespace,
        verb=RUN.verb,
        resource=RUN.resource,
        subresource=RUN.subresource,
        name=service,
    )


def _account(caller: Caller, key: KeyId) -> Caller:
    """Return the key as a caller, as the API server itself would name it."""
    if caller.identity is None or caller.username == key.account:
        return caller
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{key.namespace}", "system:authenticated")
    return Caller(key.account, TokenIdentity(key.account, groups=groups))
