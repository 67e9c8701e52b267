"""An API server in memory with services, as the Service API's gateway sees it."""

import copy
import json

from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from tests.support.api_server.server import ApiServer

NAMESPACE = "team-a"
SERVICE = "sum"


class ServiceCluster(ApiServer):
    """Services, and a user who may do everything."""

    page_size = 100

    def __init__(self):
        super().__init__()
        self.tokens["alice-token", None] = TokenIdentity("alice")
        self.listed_bytes: list[int] = []
        """Of each page that was listed."""

    def seed(self, kind, namespace, name, **parts):
        """Store an object and return it as it is stored, to be changed in place."""
        metadata = {"name": name, "namespace": namespace, **parts.pop("metadata", {})}
        self.put(kind, {"metadata": metadata, **parts})
        return self.objects[kind.plural, namespace, name]

    def define(self, name=SERVICE, namespace=NAMESPACE, **spec):
        runtime = {"docker": {"image": "busybox"}}
        return self.seed(SERVICE_DEFINITIONS, namespace, name, spec={"runtime": runtime, **spec})

    def of(self, kind, namespace=NAMESPACE):
        return {key[2]: body for key, body in self.objects.items() if key[:2] == (kind.plural, namespace)}

    async def list_pages(self, kind, namespace, **options):
        async for page in super().list_pages(kind, namespace, **options):
            self.listed_bytes.append(len(json.dumps(page.items)))
            yield page

    @property
    def calls(self):
        """Return verb and kind of each request."""
        return [(request.verb, request.resource.partition("/")[0]) for request in self.requests]

    def finish(self, name, phase, **status):
        """Let an execution end, unseen by those who watch."""
        body = self.objects["serviceexecutions", NAMESPACE, name]
        body["status"] = {"phase": phase, **status}
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(body)
