"""Data pools found by name or id, and how they are shown. The command's file imports it at once: nothing heavy here."""

import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.sizes import shown_size
from serviceexecution.contract.json_types import JsonObject, object_at, objects_of, text_at

if TYPE_CHECKING:
    from serviceexecution.cli.pools.pool_client import PoolClient
    from serviceexecution.cli.session import Session

_INDEX: Final = re.compile("[0-9a-f]{64}")
IndexOption = Annotated[
    str,
    typer.Option(
        "--index",
        metavar="INDEX",
        help="The data pool as it was in this state; sx pool ls -o json and sx get ID name states.",
    ),
]
LeftByOption = Annotated[
    str,
    typer.Option(
        "--left-by",
        metavar="ID",
        help="The data pool as this execution has left it, also when another writer was faster.",
    ),
]


def client_of(session: "Session", pool: str, index: str = "", left_by: str = "") -> "PoolClient":
    """Return what reads and writes the files of a data pool, or reads its state of an ``index`` or the one that an
    execution has left. Raises CommandError when there is none.
    """
    from serviceexecution.cli.pools.pool_client import PoolClient

    if index and left_by:
        raise CommandError("Give either --index or --left-by.")
    if index and not _INDEX.fullmatch(index):
        raise CommandError("--index: an index has 64 digits from 0 to 9 and a to f.")
    found = found_pool(session, pool)
    if left_by:
        index = left_index(session.execution_object(left_by), found)
    return PoolClient(session.channel, session.namespace, text_at(found, "metadata", "uid"), index)


def left_index(execution: JsonObject, pool: JsonObject) -> str:
    """Return the index of the state in which an execution has left a data pool; raises CommandError. Pure."""
    name, who = text_at(pool, "metadata", "name"), text_at(execution, "metadata", "name")
    used = [
        one
        for one in objects_of(object_at(execution, "status").get("dataPools"))
        if one.get("uid") == text_at(pool, "metadata", "uid")
    ]
    if not used:
        raise CommandError(f"The execution {who} does not use the data pool {name}.")
    written = next((one for one in used if object_at(one, "written")), None)
    if written is None:
        raise CommandError(f"The execution {who} has not changed the data pool {name}.")
    index = text_at(written, "written", "index")
    if not index:
        why = text_at(written, "written", "message") or text_at(written, "written", "reason")
        raise CommandError(f"What the execution {who} has changed in the data pool {name} is not kept: {why}")
    return index


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
        "index": status.get("index"),
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
