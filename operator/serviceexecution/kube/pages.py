"""Lists of any length, one bounded page at a time.

A page is bounded by its bytes as well as by its number of objects: 500 small executions are a megabyte, 500 of the
largest three quarters of a gigabyte, and which of the two it is, anybody decides who may create them.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.json_types import JsonObject, metadata_of, objects_of, text_at
from serviceexecution.kube.answers import read_object
from serviceexecution.kube.errors import GoneError
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.kube.transport import AnswerTooLargeError, Transport

PAGE_SIZE: Final = 500
PAGE_BYTES: Final = 2 * 2**20
"""Parsing holds the event loop: two megabytes for some 30 ms. One object alone is taken at any size: etcd bounds it, at
1.5 MiB by default."""
TIMES_BEGUN_AGAIN: Final = 3
"""A list that takes longer than the API server keeps its snapshot (five minutes by default) fails after that, rather
than going on for ever."""
_SHRINK: Final = 4
METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True)
class ListPage:
    """Some objects of a list; as in the API, the items have no apiVersion and kind of their own."""

    items: list[JsonObject]
    resource_version: str
    """Where to start a watch that misses nothing after this list; the same in all pages of one snapshot."""
    limit: int = PAGE_SIZE
    """How many objects were asked for: fewer where objects are so large that more would pass PAGE_BYTES."""
    begun_again: bool = False
    """The pages before this one were of an older snapshot: what they held may be gone since, and it all comes again."""


@dataclass(slots=True)
class _Size:
    """How many objects to ask for next, so that a page stays below PAGE_BYTES."""

    most: int
    now: int = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.most

    def after(self, page_bytes: int) -> None:
        if page_bytes * 4 < PAGE_BYTES:
            self.now = min(self.most, self.now * 2)

    def shrink(self) -> None:
        self.now = max(1, self.now // _SHRINK)


async def list_pages(
    transport: Transport,
    kind: ResourceKind,
    namespace: str | None,
    *,
    selectors: dict[str, str],
    limit: int = PAGE_SIZE,
    metadata_only: bool = False,
) -> AsyncGenerator[ListPage, None]:
    """Give the pages of one list; see KubernetesClient.list_pages."""
    size = _Size(limit)
    token = ""
    again = 0
    changed = False
    while True:
        params = {**selectors, "limit": str(size.now), **({"continue": token} if token else {})}
        try:
            data = await transport.read(
                "list",
                kind.path(namespace),
                resource=kind.plural,
                params=params,
                accept=METADATA_ONLY if metadata_only else None,
                max_bytes=PAGE_BYTES if size.now > 1 else None,
            )
        except AnswerTooLargeError:
            size.shrink()
            continue
        except GoneError:
            again += 1
            if not token or again > TIMES_BEGUN_AGAIN:
                raise
            token, changed = "", True  # The snapshot was compacted meanwhile
            continue
        asked = size.now
        size.after(len(data))
        items, version, token = _parts(await read_object(data))
        del data
        yield ListPage(items, version, limit=asked, begun_again=changed)
        changed = False
        if not token:
            return


def _parts(page: JsonObject) -> tuple[list[JsonObject], str, str]:
    version = str(metadata_of(page).get("resourceVersion") or "")
    return objects_of(page.get("items")), version, text_at(page, "metadata", "continue")
