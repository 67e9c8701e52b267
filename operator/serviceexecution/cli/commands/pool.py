"""``sx pool``: data pools and their files."""

from pathlib import Path
from typing import Annotated, Final

import typer

from serviceexecution.cli.console import note, progress_bar, say, say_json, say_table
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.options import ContextOption, GatewayOption, NamespaceOption, Output, OutputOption
from serviceexecution.cli.pools.lookup import (
    IndexOption,
    LeftByOption,
    client_of,
    document,
    found_pool,
    row,
)
from serviceexecution.cli.sizes import shown_size
from serviceexecution.contract.json_types import JsonObject, JsonValue, text_at

pools = typer.Typer(no_args_is_help=True, help="Data pools: files that runs may read.", rich_markup_mode=None)
PoolArgument = Annotated[str, typer.Argument(metavar="POOL", help="Name of a data pool, or its id.")]
_KEPT: Final = "its files stay in the store for the retention, and programs that run keep theirs"


@pools.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new data pool.")],
    description: Annotated[str, typer.Option(metavar="TEXT", help="What it holds.")] = "",
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="A word to find it by; may be given several times."),
    ] = None,
    claim: Annotated[
        str,
        typer.Option(
            "--claim",
            metavar="NAME",
            help="Use the files of this PersistentVolumeClaim in place of the store.",
        ),
    ] = "",
    size: Annotated[
        str,
        typer.Option(
            "--size", metavar="SIZE", help="Make a PersistentVolumeClaim of this size in place of the store."
        ),
    ] = "",
    output: OutputOption = Output.TABLE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
) -> None:
    """Create a data pool and print its id, by which inputs name it.

    \b
    Examples:
      sx pool create readings
    """
    from serviceexecution.cli.session import open_session
    from serviceexecution.kube.kinds import DATA_POOLS
    from serviceexecution.resources.names import API_GROUP, API_VERSION, POOL_KIND

    if claim and size:
        raise CommandError("Give either --claim or --size.")
    spec: JsonObject = {"displayName": name}
    if description:
        spec["description"] = description
    if tag:
        spec["tags"] = [word.lower() for word in tag]
    if claim or size:
        spec["storage"] = {"type": "Claim", "claim": {"existing": claim} if claim else {"size": size}}
    manifest: JsonObject = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": POOL_KIND,
        "metadata": {"name": name},
        "spec": spec,
    }
    with open_session(context, namespace) as session:
        made = session.api.create(DATA_POOLS, session.namespace, manifest)
    if output is Output.JSON:
        say_json(document(made))
        return
    say(text_at(made, "metadata", "uid"))
    note(f"Put files into it with: sx pool put {name} FILE{session.flags}")


@pools.command("ls")
def list_pools(
    pool: Annotated[str, typer.Argument(metavar="[POOL]", help="List the files of this data pool.")] = "",
    index: IndexOption = "",
    left_by: LeftByOption = "",
    output: OutputOption = Output.TABLE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
) -> None:
    """List data pools, or the files of one.

    \b
    Examples:
      sx pool ls
      sx pool ls readings
      sx pool ls readings --left-by 5f0c…
    """
    from serviceexecution.cli.session import open_session
    from serviceexecution.kube.kinds import DATA_POOLS

    if not pool and (index or left_by):
        raise CommandError("--index and --left-by are of one data pool: name it.", code=ExitCode.USAGE)
    with open_session(context, namespace, gateway) as session:
        if pool:
            files = sorted(
                client_of(session, pool, index, left_by).files().values(), key=lambda file: file.name
            )
            if output is Output.JSON:
                say_json(
                    [
                        {"name": file.name, "id": file.id, "bytes": file.size, "sha256": file.sha256}
                        for file in files
                    ]
                )
                return
            say_table(
                ("NAME", "SIZE", "CREATED", "SHA-256"),
                [(file.name, shown_size(file.size), file.created_at, file.sha256[:12]) for file in files],
            )
            return
        found = session.api.list(DATA_POOLS, session.namespace)
    if output is Output.JSON:
        say_json([document(one) for one in found])
        return
    if not found:
        note(
            f"There are no data pools in namespace {session.namespace}; create one with: sx pool create NAME"
        )
        return
    rows = [row(document(one)) for one in found]
    say_table(("NAME", "ID", "FILES", "SIZE", "STORAGE"), rows)


@pools.command("put")
def put(
    pool: PoolArgument,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files, folders, or - for standard input.")
    ],
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name in the data pool, for one file.")
    ] = "",
    output: OutputOption = Output.TABLE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
) -> None:
    """Put files into a data pool. A file of the same name is replaced.

    A folder stands for the files in it, without its own folders: data pools are flat. What the data pool has already is
    not sent again, so that the same command goes on after a cut.

    \b
    Examples:
      sx pool put readings data/*.csv
    """
    from serviceexecution.cli.pools.pool_client import sha256_of
    from serviceexecution.cli.pools.sources import sources_of
    from serviceexecution.cli.session import open_session

    with sources_of(paths, name) as sources, open_session(context, namespace, gateway) as session:
        for folder in sources.folders:
            note(f"{folder} is left out: data pools have no folders.")
        client = client_of(session, pool)
        there = client.files()
        shown: list[JsonValue] = []
        sent = skipped = 0
        for source in sources.files:
            size = source.path.stat().st_size
            known = there.get(source.name)
            same = known is not None and known.size == size and known.sha256 == sha256_of(source.path)
            shown.append({"name": source.name, "bytes": size, "sent": not same})
            if same:
                skipped += 1
                continue
            with progress_bar(source.name, size) as progress:
                client.put(source.path, source.name, progress)
            sent += 1
            if output is Output.TABLE:
                say(f"{source.name}   {shown_size(size)}")
    if output is Output.JSON:
        say_json(shown)
    note(f"{sent} sent, {skipped} there already.")


@pools.command("get")
def get(
    pool: PoolArgument,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="Names of files; all by default.")
    ] = None,
    directory: Annotated[
        Path,
        typer.Option(
            "--directory",
            "-d",
            metavar="DIR",
            help="Folder to write them into; this one by default.",
            show_default=False,
        ),
    ] = Path(),
    index: IndexOption = "",
    left_by: LeftByOption = "",
    output: OutputOption = Output.TABLE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
) -> None:
    """Fetch files of a data pool. A cut download goes on where it was.

    \b
    Examples:
      sx pool get readings -d data
      sx pool get readings -d theirs --left-by 5f0c…
    """
    from serviceexecution.cli.session import open_session

    with open_session(context, namespace, gateway) as session:
        client = client_of(session, pool, index, left_by)
        files = client.files()
        wanted = _chosen(pool, list(files), names)
        shown: list[JsonValue] = []
        for name, size in client.get_all([files[name] for name in wanted], directory):
            shown.append({"name": name, "path": str(directory / name), "bytes": size})
            if output is Output.TABLE:
                say(f"{name}   {shown_size(size)}")
    if output is Output.JSON:
        say_json(shown)


@pools.command("rm")
def remove(
    pool: PoolArgument,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]...", help="Names of files; the data pool itself by default."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: OutputOption = Output.TABLE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
) -> None:
    """Delete files of a data pool, or the data pool with all its files. Programs that run are not disturbed.

    \b
    Examples:
      sx pool rm readings old.csv
      sx pool rm readings --yes
    """
    from serviceexecution.cli.session import open_session
    from serviceexecution.kube.kinds import DATA_POOLS

    with open_session(context, namespace, gateway) as session:
        if names:
            client = client_of(session, pool)
            files = client.files()
            wanted = _chosen(pool, list(files), names)
            for name in wanted:
                client.delete(files[name])
                if output is Output.TABLE:
                    say(f"deleted {name}")
            if output is Output.JSON:
                say_json({"dataPool": pool, "deleted": False, "deletedFiles": [*wanted]})
            return
        found = document(found_pool(session, pool))
        if not yes:
            size = shown_size(int(str(found["bytes"] or 0)))
            typer.confirm(
                f"Delete the data pool {found['name']} with {found['files'] or 0} files ({size})?",
                abort=True,
                err=True,
            )
        session.api.delete(DATA_POOLS, session.namespace, str(found["name"]))
        if output is Output.JSON:
            say_json({"dataPool": found["name"], "deleted": True, "deletedFiles": []})
        else:
            say(f"deleted {found['name']}")
        note(f"The data pool is gone; {_KEPT}.")


def _chosen(pool: str, there: list[str], names: list[str] | None) -> list[str]:
    wanted = names or sorted(there)
    for name in wanted:
        if name not in there:
            raise CommandError(f"The data pool {pool} has no file {name}; see them with: sx pool ls {pool}")
    return list(dict.fromkeys(wanted))
