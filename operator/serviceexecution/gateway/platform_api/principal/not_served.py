"""Why a call of the platform's API is not served, and what to use in its place. Pure."""

from http import HTTPStatus
from typing import Final

_SENTENCES: Final = {
    "datapools": "A path of a data pool ends in no slash, and a file is named by its id, never by its name. Nothing is "
    "shared with single users: roles of the cluster (RBAC) say who may read it.",
    "managed-services": "That call about managed services is not served; prices are not set here.",
    "services": "This API does not change that of a service: use kubectl with its ServiceDefinition, or sx deploy.",
    "applications": "Applications are access keys here: make one with sx access-key create.",
    "subscriptions": "Subscriptions are not ended here: roles of the cluster (RBAC) say who may run a service.",
    "organizations": "There are no organizations here: namespaces and roles of the cluster (RBAC) stand for them.",
    "my": "This gateway keeps nothing of a person: accounts and roles are the cluster's.",
}
_HERE: Final = frozenset({"services", "managed-services", "applications", "subscriptions", "my"})
_OTHERWISE: Final = (
    "This gateway does not serve that call of the platform's API; docs/platform-api.md lists those it does."
)


def sentence(path: str) -> str:
    """Return the sentence for a path below the namespace."""
    return _SENTENCES.get(path.partition("/")[0], _OTHERWISE)


def write_status(path: str) -> HTTPStatus:
    """Return the status of a write below the namespace: 403 where reads are served, since the place is there."""
    return HTTPStatus.FORBIDDEN if path.partition("/")[0] in _HERE else HTTPStatus.NOT_FOUND
