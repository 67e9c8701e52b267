"""The kinds of objects that this project reads or writes, and their paths in the API."""

import re
from dataclasses import dataclass
from typing import Final

from serviceexecution.kube.errors import ImpossibleNameError
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_PLURAL, PLURAL, POOL_PLURAL

_SEGMENT: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._:-]{1,253}\Z")
"""What a name in Kubernetes may be, RBAC's names with colons included. None of it needs quoting in a URL, and none of
it leads anywhere else: no slash, no percent sign, no question mark, and neither ``.`` nor ``..``.
"""


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """One kind in the Kubernetes API: group ("" is core), version and plural, e.g. batch, v1, jobs."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the URL path of a collection or an object; ``namespace`` None means all namespaces.

        Raises ImpossibleNameError for what can be no name: names come from annotations, owner references and specs,
        which anybody writes, and a path is no place for their text.
        """
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root]
        if namespace is not None:
            parts += ["namespaces", path_segment(namespace)]
        parts.append(self.plural)
        if name is not None:
            parts.append(path_segment(name))
        if subresource is not None:
            parts.append(path_segment(subresource))
        return "/".join(parts)


def path_segment(name: str) -> str:
    """Return ``name`` as one segment of an API path; raises ImpossibleNameError when no object can have it."""
    if _SEGMENT.match(name) is None:
        raise ImpossibleNameError(name)
    return name


SERVICE_EXECUTIONS: Final = ResourceKind(API_GROUP, API_VERSION, PLURAL)
SERVICE_DEFINITIONS: Final = ResourceKind(API_GROUP, API_VERSION, DEFINITION_PLURAL)
DATA_POOLS: Final = ResourceKind(API_GROUP, API_VERSION, POOL_PLURAL)
JOBS: Final = ResourceKind("batch", "v1", "jobs")
PODS: Final = ResourceKind("", "v1", "pods")
CONFIG_MAPS: Final = ResourceKind("", "v1", "configmaps")
SECRETS: Final = ResourceKind("", "v1", "secrets")
SERVICE_ACCOUNTS: Final = ResourceKind("", "v1", "serviceaccounts")
PERSISTENT_VOLUME_CLAIMS: Final = ResourceKind("", "v1", "persistentvolumeclaims")
NAMESPACES: Final = ResourceKind("", "v1", "namespaces")
EVENTS: Final = ResourceKind("", "v1", "events")
DEPLOYMENTS: Final = ResourceKind("apps", "v1", "deployments")
LEASES: Final = ResourceKind("coordination.k8s.io", "v1", "leases")
TOKEN_REVIEWS: Final = ResourceKind("authentication.k8s.io", "v1", "tokenreviews")
SUBJECT_ACCESS_REVIEWS: Final = ResourceKind("authorization.k8s.io", "v1", "subjectaccessreviews")
