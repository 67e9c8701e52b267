"""The kinds of objects that this project reads or writes, and their paths in the API."""

from dataclasses import dataclass
from typing import Final

from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_PLURAL, PLURAL


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """One kind in the Kubernetes API: group ("" is core), version and plural, e.g. batch, v1, jobs."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the URL path of a collection or an object; ``namespace`` None means all namespaces."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name is not None:
            parts.append(name)
        if subresource is not None:
            parts.append(subresource)
        return "/".join(parts)


SERVICE_EXECUTIONS: Final = ResourceKind(API_GROUP, API_VERSION, PLURAL)
SERVICE_DEFINITIONS: Final = ResourceKind(API_GROUP, API_VERSION, DEFINITION_PLURAL)
JOBS: Final = ResourceKind("batch", "v1", "jobs")
PODS: Final = ResourceKind("", "v1", "pods")
CONFIG_MAPS: Final = ResourceKind("", "v1", "configmaps")
SECRETS: Final = ResourceKind("", "v1", "secrets")
SERVICE_ACCOUNTS: Final = ResourceKind("", "v1", "serviceaccounts")
PERSISTENT_VOLUME_CLAIMS: Final = ResourceKind("", "v1", "persistentvolumeclaims")
NAMESPACES: Final = ResourceKind("", "v1", "namespaces")
EVENTS: Final = ResourceKind("", "v1", "events")
LEASES: Final = ResourceKind("coordination.k8s.io", "v1", "leases")
TOKEN_REVIEWS: Final = ResourceKind("authentication.k8s.io", "v1", "tokenreviews")
SUBJECT_ACCESS_REVIEWS: Final = ResourceKind("authorization.k8s.io", "v1", "subjectaccessreviews")
