"""Writes objects of data pools, and says what a refusal means."""

from http import HTTPStatus

from serviceexecution.contract.json_types import JsonObject, object_at, text_at
from serviceexecution.gateway.data_pools.directory import PoolDirectory
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.kube.errors import AlreadyExistsError, KubernetesError
from serviceexecution.kube.kinds import DATA_POOLS
from serviceexecution.resources.names import ANNOTATION_REQUEST_DIGEST
from serviceexecution.resources.pools.pool import Pool


async def created_pool(
    client: GatewayKubernetes, directory: PoolDirectory, namespace: str, manifest: JsonObject
) -> tuple[Pool, bool]:
    """Return the data pool, and whether it is new: an earlier request with the same key may have made it.

    Raises Problem 400, 403, 429; KubernetesError.
    """
    name = text_at(manifest, "metadata", "name")
    try:
        body, made = await client.create(DATA_POOLS, namespace, manifest), True
    except AlreadyExistsError:
        body, made = await client.get(DATA_POOLS, namespace, name) or {}, False
        digests = [
            object_at(one, "metadata", "annotations").get(ANNOTATION_REQUEST_DIGEST)
            for one in (body, manifest)
        ]
        if digests[0] != digests[1]:
            raise _key_reused() from None
    except KubernetesError as error:
        raise refused_write(error) from None
    pool = directory.note(body)
    if pool is None:
        raise _key_reused()
    return pool, made


def refused_write(error: KubernetesError) -> Exception:
    """Return what the API server's refusal of a write means for the caller."""
    if error.lacks_right or (error.status == HTTPStatus.FORBIDDEN and "exceeded quota" not in str(error)):
        return Problem(
            HTTPStatus.FORBIDDEN,
            "NotSupported",
            "This gateway may not make, change or delete data pools: use kubectl with a DataPool, or let an operator "
            "set gateway.platformApi.write in the chart.",
        )
    if error.status == HTTPStatus.FORBIDDEN:
        return Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "QuotaExceeded",
            "The namespace's quota has no room for another data pool; delete one.",
            headers={"Retry-After": "5"},
        )
    if error.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
        return Problem(HTTPStatus.BAD_REQUEST, "Refused", f"The cluster refuses the data pool: {error}")
    return error


def _key_reused() -> Problem:
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "IdempotencyKeyReused",
        "This Idempotency-Key was used for another body before, or its data pool is being deleted; use a new key.",
    )
