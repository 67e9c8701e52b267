"""Data pools found by name or id, and how they are shown. The command's file imports it at once: nothing heavy here."""

from typing import TYPE_CHECKING

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.sizes import shown_size
from serviceexecution.contract.json_types import JsonObject, object_at, text_at

if TYPE_CHECKING:
    from serviceexecution.cli.pools.pool_client import PoolClient
    from serviceexecution.cli.session import Session


def client_of(session: "Session", pool: str) -> "PoolClient":
    """Return what reads and writes the files of a data pool; raises CommandError when there is none."""
    from serviceexecution.cli.pools.pool_client import PoolClient

    uid = text_at(found_pool(session, pool), "metadata", "uid")
    return PoolClient(session.channel, session.namespace, uid)


def found_pool(session: "Session", pool: str) -> JsonObject:
    """Return the data pool of a name or an id; raises CommandError."""
    from serviceexecution.kube.kinds import DATA_POOLS

    listed = session.api.list(DATA_POOLS, session.namespace)
    for member in ("name", "uid"):
        for one in listed:
            if text_at(one, "metadata", member) == pool:
                return one
    raise CommandError(
        f"There is no data pool {pool} in namespace {session.namespace}; see them with: sx pool ls{session.flags}"
    )


def document(pool: JsonObject) -> JsonObject:
    """Return a data pool for programs. Pure."""
    status = object_at(pool, "status")
    return {
        "name": text_at(pool, "metadata", "name"),
        "id": text_at(pool, "metadata", "uid"),
        "displayName": text_at(pool, "spec", "displayName") or None,
        "files": status.get("files"),
        "bytes": status.get("bytes"),
        "claim": status.get("claim"),
    }


def row(found: JsonObject) -> tuple[str, str, str, str, str]:
    """Return the row of a table for a data pool's document. Pure."""
    files, size, claim = found["files"], found["bytes"], found["claim"]
    return (
        str(found["name"]),
        str(found["id"]),
        "" if files is None else str(files),
        "" if size is None else shown_size(int(str(size))),
        "store" if claim is None else f"claim {claim}",
    )
