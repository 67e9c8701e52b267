"""A service that is being built, and the pod that builds it, on a cluster in memory."""

import copy
import uuid

import httpx

from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_DEFINITIONS
from serviceexecution.resources.names import (
    ANNOTATION_SOURCE_DIGEST,
    BUILDER_TOKEN_AUDIENCE,
    LABEL_REVISION,
)
from serviceexecution.resources.reference import revision_reference
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import Service

BUILDER = {"Authorization": "Bearer builder-token"}
COUNTED = "batch.kubernetes.io/controller-uid"
DIGEST = "ab" * 32


class Build(Service):
    """The gateway, a Python service, the Job of its revision r1 and the Job's pod."""

    def __init__(self, directory, **settings):
        super().__init__(directory / "store", **settings)
        self.http = httpx.AsyncClient(transport=self.http._transport, base_url="http://gateway")
        self.job = self.add_job("build-1")
        self.pod = self.add_pod("build-1-x", self.job)
        self.add_token("builder-token", "build-1-x", self.pod["metadata"]["uid"])
        self.definition = self.cluster.define(
            runtime={"python": {}}, source={"archive": {"digest": f"sha256:{DIGEST}"}}
        )
        owner = self.job["metadata"]["ownerReferences"][0]
        owner["uid"] = self.definition["metadata"]["uid"]
        self.say(self.revision(job=self.job))
        self.ref = revision_reference(NAMESPACE, SERVICE, self.definition["metadata"]["uid"], "r1")

    def add_job(self, name, *, revision="r1", definition_uid="", **owner):
        uid = str(uuid.uuid4())
        metadata = {
            "uid": uid,
            "labels": {LABEL_REVISION: revision},
            "annotations": {ANNOTATION_SOURCE_DIGEST: f"sha256:{DIGEST}"},
            "ownerReferences": [
                {
                    "apiVersion": "serviceexecution.dev/v1alpha1",
                    "kind": "ServiceDefinition",
                    "name": SERVICE,
                    "uid": definition_uid,
                    "controller": True,
                    **owner,
                }
            ],
        }
        spec = {"selector": {"matchLabels": {COUNTED: uid}}}
        return self.cluster.seed(JOBS, NAMESPACE, name, metadata=metadata, spec=spec)

    def add_pod(self, name, job, **labels):
        metadata = job["metadata"]
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
        }
        return self.cluster.seed(
            PODS,
            NAMESPACE,
            name,
            metadata={
                "labels": {
                    COUNTED: metadata["uid"],
                    LABEL_REVISION: metadata["labels"][LABEL_REVISION],
                    **labels,
                },
                "ownerReferences": [owner],
            },
        )

    def add_token(self, token, pod, uid, *, audience=BUILDER_TOKEN_AUDIENCE, namespace=NAMESPACE):
        bound = {
            "authentication.kubernetes.io/pod-name": (pod,),
            "authentication.kubernetes.io/pod-uid": (uid,),
        }
        identity = TokenIdentity(f"system:serviceaccount:{namespace}:default", extra=bound)
        self.cluster.tokens[token, audience] = identity

    def revision(self, name="r1", *, job=None, phase="Building", **members):
        found = {"name": name, "key": "k", "phase": phase, "attempts": 1, **members}
        if job is not None:
            found["job"] = {"name": job["metadata"]["name"], "uid": job["metadata"]["uid"]}
        return found

    def say(self, *revisions, **status):
        """Write the definition's status, as the controller does."""
        body = copy.deepcopy(self.cluster.objects[SERVICE_DEFINITIONS.plural, NAMESPACE, SERVICE])
        numbers = [int(one["name"][1:]) for one in revisions]
        body["status"] = {"revisions": list(revisions), "lastRevision": max(numbers, default=0), **status}
        # as the watch would tell
        self.state._definitions.put(self.cluster.put(SERVICE_DEFINITIONS, body))

    async def call(self, method, path, headers=BUILDER, **more):
        return await self.http.request(method, f"/build/v1/{path}", headers=headers, **more)

    async def report(self, headers=BUILDER, **members):
        return await self.call("PUT", "report", headers, json={**REPORT, **members})


REPORT = {
    "succeeded": True,
    "reason": "Succeeded",
    "message": "",
    "imageDigest": f"sha256:{'cd' * 32}",
    "imageBytes": 12345,
    "sourceDigest": f"sha256:{DIGEST}",
    "inputSchema": {"type": "object", "properties": {"data": {"type": "number", "maximum": 1.5}}},
    "outputSchema": None,
    "seconds": {"source": 0.5, "build": 12, "push": 1.25},
}
