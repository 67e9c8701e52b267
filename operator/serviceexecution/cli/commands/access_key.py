"""``sx access-key``: keys of the Service API."""

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from serviceexecution.cli.console import note, say, say_json, say_table
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.options import GatewayOption, Output, OutputOption, seconds_of

if TYPE_CHECKING:
    from serviceexecution.kube.client import KubernetesClient

T = TypeVar("T")
_SHORTEST_SECONDS: Final = 1200.0
"""Kubernetes makes no token for less than ten minutes, and a token does not outlive its key."""

keys = typer.Typer(no_args_is_help=True, help="Access keys of the Service API.", rich_markup_mode=None)


@keys.command("create")
def create(
    namespace: Annotated[
        str,
        typer.Option(
            "--namespace", "-n", metavar="NAMESPACE", help="Namespace whose services the key opens."
        ),
    ],
    description: Annotated[str, typer.Option(metavar="TEXT", help="What the key is for.")] = "",
    expires: Annotated[
        str,
        typer.Option(
            metavar="DURATION", help="How long the key is valid, such as 720h; no limit by default."
        ),
    ] = "",
    gateway: GatewayOption = "",
    gateway_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            envvar="SERVICE_API_URL",
            help="Address of the gateway, from which the token endpoint's is made.",
        ),
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Create an access key and print it. It is shown only once.

    \b
    Examples:
      sx access-key create -n team-a
      sx access-key create -n team-a -o json > key.json
    """
    from serviceexecution.cli.access_keys import create_key
    from serviceexecution.cli.cluster.gateway import gateway_place

    place = gateway_place(gateway)
    seconds = seconds_of(expires, option="--expires")
    if seconds is not None and seconds < _SHORTEST_SECONDS:
        raise CommandError(
            "--expires must be at least 20m: the last token is made ten minutes before the end."
        )
    until = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
    key_id, secret = _with_cluster(
        lambda client: create_key(client, namespace, place=place, description=description, expires=until)
    )
    endpoint = f"{gateway_url.rstrip('/')}/oauth/token"
    if output is Output.JSON:
        say_json({"id": str(key_id), "secret": secret, "tokenEndpoint": endpoint})
        return
    say(f"id:             {key_id}\nsecret:         {secret}\ntoken endpoint: {endpoint}")
    note("The secret is not stored anywhere: save it now.")


@keys.command("list")
def show(
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", metavar="NAMESPACE", help="Only keys of this namespace.")
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """List access keys.

    \b
    Examples:
      sx access-key list
    """
    from serviceexecution.cli.access_keys import list_keys

    found = _with_cluster(lambda client: list_keys(client, namespace or None))
    if output is Output.JSON:
        say_json([dataclasses.asdict(key) for key in found])
        return
    rows = [(key.id, key.created, key.expires or "never", key.description) for key in found]
    say_table(("ID", "CREATED", "EXPIRES", "DESCRIPTION"), rows)


@keys.command("revoke")
def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the key, as sx access-key list shows it.")
    ],
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete an access key. Its tokens end within a minute.

    \b
    Examples:
      sx access-key revoke team-a.k0123456789abcdef
    """
    from serviceexecution.cli.access_keys import revoke_key

    _with_cluster(lambda client: revoke_key(client, key_id))
    if output is Output.JSON:
        say_json({"id": key_id, "revoked": True})
    else:
        say(f"{key_id} is revoked.")


def _with_cluster(work: "Callable[[KubernetesClient], Awaitable[T]]") -> T:
    import asyncio

    from serviceexecution.kube.client import KubernetesClient
    from serviceexecution.kube.configuration.kubeconfig import load_context

    if (
        load_context().user.impersonation
    ):  # The package for this does not know it, and would act with your own rights
        raise CommandError(
            "sx access-key does not act as another user: use a context without as: in the kubeconfig."
        )

    async def run() -> T:
        client = await KubernetesClient.connect(user_agent="sx")
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())
