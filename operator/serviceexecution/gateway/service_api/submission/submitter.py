"""Makes an execution of a submission, so that neither a kill nor a lost answer loses or doubles it.

First what the execution needs, then the execution, then ownership: the ConfigMap goes with the execution, the
Secret with the ConfigMap. All names follow from the execution's, so that a
repeated request meets what the first one left; the API server, which takes a name once, is the judge.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import structlog

from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.service_api.submission.objects import (
    SubmissionObjects,
    owner_patch,
    with_secret_uid,
)
from serviceexecution.kube.errors import AlreadyExistsError, BudgetSpentError, KubernetesError
from serviceexecution.kube.kinds import CONFIG_MAPS, SECRETS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import ANNOTATION_REQUEST_DIGEST, API_GROUP

logger = structlog.stdlib.get_logger()
_REUSED: Final = f"{API_GROUP}/reused"
_TRIES: Final = 3
_PAUSE_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Submitted:
    """The execution as stored; ``new`` is False when an earlier request had made it."""

    execution: JsonObject
    new: bool


class Submitter:
    """Writes submissions to the cluster."""

    def __init__(self, client: GatewayKubernetes) -> None:
        self._client = client

    async def find(self, namespace: str, name: str, digest: str) -> Submitted | None:
        """Return the execution that an earlier request with the same key has made; raises Problem 409."""
        found = await self._client.get(SERVICE_EXECUTIONS, namespace, name)
        if found is None:
            return None
        _check_same(found, digest)
        return Submitted(found, new=False)

    async def submit(
        self, namespace: str, name: str, objects: SubmissionObjects, digest: str | None
    ) -> Submitted:
        """Make the objects; raises Problem 409, 422, 429 or 503, KubernetesError."""
        config_map = None
        execution = objects.execution
        try:
            if objects.config_map is not None:
                config_map = await self._create_config_map(namespace, name, objects.config_map, digest)
            if objects.secret is not None and config_map is not None:
                owned: JsonObject = {**objects.secret, **_owned_by_config_map(objects.secret, config_map)}
                execution = with_secret_uid(execution, await self._create_secret(namespace, owned))
            submitted = await self._create_execution(namespace, name, execution, digest)
        except KubernetesError as error:
            if error.retriable and not error.lacks_right:
                raise  # It may be there after all: what is left is swept
            if config_map is not None:
                await self._discard(namespace, config_map)
            if error.lacks_right:
                raise  # Not the client's fault
            raise problem_of_refusal(error) from None
        if config_map is not None:
            await self._adopt(namespace, name, submitted.execution)
        return submitted

    async def _create_config_map(
        self, namespace: str, name: str, manifest: JsonObject, digest: str | None
    ) -> JsonObject:
        try:
            return await _retried(
                lambda: self._client.create(CONFIG_MAPS, namespace, manifest, metadata_only=True)
            )
        except AlreadyExistsError:
            # Ours, from a try whose answer was lost, or from an earlier request with the same key
            left = await self._client.get(CONFIG_MAPS, namespace, name)
            if left is not None and digest is not None:
                _check_same(left, digest)
            # Touched, so that a sweeper that is about to delete it does not
            touch: JsonObject = {"metadata": {"annotations": {_REUSED: datetime.now(UTC).isoformat()}}}
            touched = (
                await self._client.patch(CONFIG_MAPS, namespace, name, touch, metadata_only=True)
                if left is not None
                else None
            )
            if touched is None:
                raise unavailable(
                    "TryAgain", "An earlier request with this key is being cleaned up; try again."
                ) from None
            return touched

    async def _create_secret(self, namespace: str, manifest: JsonObject) -> JsonObject:
        """Return the Secret as stored, empty when an earlier try had made it: we have no right to read it."""
        with contextlib.suppress(AlreadyExistsError):  # It goes with the ConfigMap that was checked before
            return await _retried(
                lambda: self._client.create(SECRETS, namespace, manifest, metadata_only=True)
            )
        return {}

    async def _create_execution(
        self, namespace: str, name: str, manifest: JsonObject, digest: str | None
    ) -> Submitted:
        try:
            created = await _retried(lambda: self._client.create(SERVICE_EXECUTIONS, namespace, manifest))
        except AlreadyExistsError:
            found = await self._client.get(SERVICE_EXECUTIONS, namespace, name)
            if found is None:  # Deleted meanwhile
                raise
            if digest is None:  # A name that nobody else can know: our own first try has arrived
                return Submitted(found, new=True)
            _check_same(found, digest)
            return Submitted(found, new=False)
        return Submitted(created, new=True)

    async def _adopt(self, namespace: str, name: str, execution: JsonObject) -> None:
        uid = metadata_of(execution).get("uid")
        try:
            await self._client.patch(
                CONFIG_MAPS, namespace, name, owner_patch(name, str(uid)), metadata_only=True
            )
        except KubernetesError as error:  # The sweeper does it later
            logger.warning("not adopted yet", execution=name, error=str(error))

    async def _discard(self, namespace: str, config_map: JsonObject) -> None:
        """Delete what was made for nothing, unless another request with the same key also uses it."""
        metadata = metadata_of(config_map)
        if _REUSED in object_at(metadata, "annotations"):
            return  # Left to the sweeper
        name = str(metadata.get("name"))
        try:
            await self._client.delete(
                CONFIG_MAPS,
                namespace,
                name,
                uid=str(metadata.get("uid")),
                resource_version=str(metadata.get("resourceVersion")),
            )
        except KubernetesError as error:
            logger.warning("left to the sweeper", execution=name, error=str(error))


async def _retried(create: Callable[[], Awaitable[JsonObject]]) -> JsonObject:
    """Create something of a fixed name; repeated when nobody knows whether it was created."""
    for _ in range(_TRIES - 1):
        try:
            return await create()
        except KubernetesError as error:
            if not error.retriable or isinstance(error, BudgetSpentError):
                raise
            await asyncio.sleep(_PAUSE_SECONDS)
    return await create()


def problem_of_refusal(error: KubernetesError) -> Problem:
    """Return what a refusal of the API server means for the client."""
    text = str(error)
    if error.status == HTTPStatus.FORBIDDEN and "exceeded quota" in text:
        return Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "QuotaExceeded",
            "The namespace's quota has no room for another execution; wait until others are deleted.",
            headers={"Retry-After": "60"},
        )
    if error.is_too_large or error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "InputTooLarge",
            "The cluster refuses the input's size, to which each property's name adds several times: put many values "
            "into one property, such as a list.",
        )
    if error.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY}:
        return Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "Refused", f"The cluster refuses the execution: {text}"
        )
    return unavailable("KubernetesUnavailable", "The Kubernetes API cannot be used at the moment.")


def _owned_by_config_map(secret: JsonObject, config_map: JsonObject) -> JsonObject:
    """Return the Secret's metadata so that it goes with its ConfigMap: nobody needs a right to find or delete it."""
    owner = metadata_of(config_map)
    reference: JsonObject = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": owner.get("name"),
        "uid": owner.get("uid"),
    }
    return {"metadata": {**metadata_of(secret), "ownerReferences": [reference]}}


def _check_same(found: JsonObject, digest: str) -> None:
    if object_at(found, "metadata", "annotations").get(ANNOTATION_REQUEST_DIGEST) != digest:
        raise Problem(
            HTTPStatus.CONFLICT,
            "IdempotencyKeyReused",
            "This Idempotency-Key was used for another body before; use a new key for a new execution.",
        )
