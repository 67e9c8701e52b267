"""Which DataPools the program of a submission may modify: those of its grants, when its caller has the right."""

from http import HTTPStatus
from typing import Final

from serviceexecution.contract.input.data_pools import find_data_pools
from serviceexecution.contract.input.submission import BODY, Submission
from serviceexecution.gateway.access.rights import WRITE_POOLS
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.service_api.context import Call, ServiceContext
from serviceexecution.resources.executions.execution import is_uuid
from serviceexecution.resources.services.definition import ServiceDefinition

MOST: Final = 64
"""As many data pools an execution's spec may name."""


async def modified_pools(
    context: ServiceContext, call: Call, definition: ServiceDefinition, submission: Submission
) -> dict[str, str]:
    """Return properties and names of DataPools; raises Problem 400 for too many, KubernetesError.

    The clients ask to modify when they are not told otherwise. Without the right, or when the data pool cannot be
    written back, the program can therefore only read it. What the service itself says of a property stays.
    """
    asked = submission.to_modify - (definition.spec.data_pools or {}).keys()
    if not asked:
        return {}
    if len(asked) > MOST:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "InvalidInput",
            f"There are {len(asked)} data pools to modify, the most is {MOST}.",
            members={"path": BODY},
        )
    namespace = call.definition.metadata.namespace
    if not await _may_write(context, call, namespace):
        return {}
    wanted = {name: submission.properties[name] for name in sorted(asked)}
    references = find_data_pools(wanted, field=BODY).values()
    pools = await context.pools.pools(namespace, [one.id for one in references if is_uuid(one.id)])
    return {
        one.property: pools[one.id].metadata.name
        for one in references
        if one.id in pools and not pools[one.id].is_on_claim
    }


async def _may_write(context: ServiceContext, call: Call, namespace: str) -> bool:
    right = WRITE_POOLS
    try:
        await context.access.require(
            call.caller,
            verb=right.verb,
            resource=right.resource,
            subresource=right.subresource,
            namespace=namespace,
        )
    except Problem as problem:
        if problem.status != HTTPStatus.FORBIDDEN:
            raise
        return False
    return True
