"""Which build is calling: its token names the pod, the pod its Job, and the service's status that very Job.

Anybody who may create Jobs and pods in a namespace can make ones that look like a build's. The Job must therefore be
the one whose uid the controller has written into the status of the definition, where people have no right to write.
The pod must be one that the Job counts as its own, by the Job's selector, which nobody can change; Kubernetes deletes
one too many, but takes a moment. It must therefore also have the label of builds, which an admission policy lets
nobody give but Kubernetes itself.
"""

import re
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from serviceexecution.contract.json_types import JsonObject, metadata_of
from serviceexecution.gateway.access.bearer import bearer_token
from serviceexecution.gateway.access.pods import BoundPod, PodTokens, is_counted, texts_of
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.state.definition_index import readable_definition
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.resources.names import (
    ANNOTATION_SOURCE_DIGEST,
    BUILDER_TOKEN_AUDIENCE,
    DEFINITION_KIND,
    LABEL_REVISION,
)
from serviceexecution.resources.reference import ExecutionReference, revision_reference
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import Revision, ServiceDefinitionStatus

_DIGEST: Final = re.compile("(?:sha256:)?([0-9a-f]{64})")
_NUMBER: Final = re.compile("r([1-9][0-9]{0,9})")


@dataclass(frozen=True, slots=True)
class BuildIdentity:
    """The pod of one attempt of a build; ``over`` when nobody waits for it any more."""

    reference: ExecutionReference
    """Under what the build is kept."""
    namespace: str
    job_uid: str
    source_digest: str | None
    """SHA-256 of the archive that it builds, None when it builds no archive."""
    over: bool


class BuilderAuthentication:
    """Tells from its token which build is calling. Nothing is remembered: a build calls three times."""

    def __init__(self, client: GatewayKubernetes) -> None:
        self._client = client
        self._pods = PodTokens(
            client,
            audience=BUILDER_TOKEN_AUDIENCE,
            owner_kind=DEFINITION_KIND,
            forbidden="NotABuild",
            gone="BuildGone",
        )

    async def identify(self, request: Request) -> BuildIdentity:
        """Return which build is calling, also one that is over.

        Raises Problem 401, 403, 410, and 503 while the controller has not recorded the Job; KubernetesError.
        """
        bound = await self._pods.pod_of(bearer_token(request))
        if "deletionTimestamp" in metadata_of(bound.pod):
            raise self._pods.gone("The token's pod is being deleted.")
        if not is_counted(bound):
            raise self._pods.forbidden("The token's pod is none that its Job has made.")
        owner = self._pods.owner_of(bound)
        definition = await self._definition(bound.namespace, owner.name, owner.uid)
        revision = self._revision(bound, definition.status)
        reference = revision_reference(bound.namespace, owner.name, owner.uid, revision.name)
        request.state.execution = reference
        return BuildIdentity(
            reference=reference,
            namespace=bound.namespace,
            job_uid=bound.job_uid,
            source_digest=self._source_digest(bound.job, revision),
            over=revision.phase.terminal,
        )

    def refuse_over(self, identity: BuildIdentity) -> None:
        """Raise Problem 410 when nobody waits for the build any more."""
        if identity.over:
            raise self._over()

    async def _definition(self, namespace: str, name: str, uid: str) -> ServiceDefinition:
        # From the API server itself: what the controller has just written counts
        body = await self._client.get(SERVICE_DEFINITIONS, namespace, name)
        definition = None if body is None else readable_definition(body)
        if definition is None or definition.metadata.uid != uid:
            raise self._pods.gone("The build's ServiceDefinition is gone.")
        return definition

    def _revision(self, bound: BoundPod, status: ServiceDefinitionStatus) -> Revision:
        """Return the revision that the Job builds, by the status and not by what the Job says of itself."""
        label, of_pod = (
            texts_of(metadata_of(item).get("labels")).get(LABEL_REVISION) for item in (bound.job, bound.pod)
        )
        for revision in status.revisions:
            if revision.job is not None and revision.job.uid == bound.job_uid:
                if label != revision.name or of_pod != revision.name:
                    raise self._pods.forbidden("The build's Job or pod is labelled with another revision.")
                return revision
        known = status.find(label)
        number = _NUMBER.fullmatch(label or "")
        if known is not None and known.phase.terminal:
            raise self._over()
        if known is None and number is not None and int(number[1]) <= status.last_revision:
            raise self._over()
        raise unavailable(
            "BuildNotRecorded", "The service's status does not name this build's Job, or not yet; try again."
        )

    def _source_digest(self, job: JsonObject, revision: Revision) -> str | None:
        named = texts_of(metadata_of(job).get("annotations")).get(ANNOTATION_SOURCE_DIGEST)
        if named is None:
            return None
        digest = _DIGEST.fullmatch(named)
        recorded = _DIGEST.fullmatch(revision.source_digest or named)
        if digest is None or recorded is None or digest[1] != recorded[1]:
            raise self._pods.forbidden("The build's Job names another archive than the revision.")
        return digest[1]

    def _over(self) -> Problem:
        return self._pods.gone("This build is over; nobody waits for it any more.")
