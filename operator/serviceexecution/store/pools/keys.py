"""Where the parts of a data pool are in the store."""

import re
from typing import Final, NamedTuple

from serviceexecution.store.errors import StoreConfigurationError
from serviceexecution.store.keys import POOLS, check_segment

_DIGEST: Final = re.compile("[0-9a-f]{64}")
_BLOB: Final = re.compile("[0-9a-f]{32}")

BLOBS: Final = "blobs"
ROOTS: Final = "roots"
SHARD_PARTS: Final = "shards"
CONTENTS: Final = "contents"
WRITES: Final = "writes"
SECRETS: Final = "secrets"


class PoolReference(NamedTuple):
    """A data pool's namespace and uid."""

    namespace: str
    uid: str


class PoolKeys:
    """The keys of one data pool."""

    __slots__ = ("root",)

    def __init__(self, cluster_id: str, pool: PoolReference) -> None:
        place = f"{check_segment(pool.namespace, 'namespace')}/{check_segment(pool.uid, 'uid')}"
        self.root = f"{cluster_id}/{POOLS}/{place}"

    def blob(self, name: str) -> str:
        """Key of a file's content."""
        return f"{self.root}/{BLOBS}/{_checked(_BLOB, name)}"

    def index_root(self, digest: str) -> str:
        """Key of the root of a state."""
        return f"{self.root}/{ROOTS}/{_checked(_DIGEST, digest)}"

    def shard(self, digest: str) -> str:
        """Key of a shard."""
        return f"{self.root}/{SHARD_PARTS}/{_checked(_DIGEST, digest)}"

    def content(self, sha256: str) -> str:
        """Key of the note about where content of that digest may be."""
        return f"{self.root}/{CONTENTS}/{_checked(_DIGEST, sha256)}"

    def secret(self, job: str) -> str:
        """Key of the secret that the pod of a Job, which serves the data pool's volume, knows by its digest."""
        return f"{self.root}/{SECRETS}/{check_segment(job, 'name')}"

    def writes(self, writer: "PoolWriter") -> str:
        """Prefix of what an attempt has brought for the state that it writes."""
        return f"{self.writes_of(writer.execution)}/{writer.attempt}"

    def writes_of(self, execution: str) -> str:
        """Prefix of what all attempts of the execution of that uid have brought."""
        return f"{self.root}/{WRITES}/{check_segment(execution, 'uid')}"


class PoolWriter(NamedTuple):
    """An attempt of an execution that writes a data pool: the execution's uid, and the attempt's number."""

    execution: str
    attempt: int


def pools_of(cluster_id: str, namespace: str) -> str:
    """Return the prefix of all data pools of a namespace."""
    return f"{cluster_id}/{POOLS}/{check_segment(namespace, 'namespace')}"


def is_index(text: str) -> bool:
    """Tell whether the text can be the digest of a state."""
    return _DIGEST.fullmatch(text) is not None


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise StoreConfigurationError(f"{text!r} names nothing in a data pool")
    return text
