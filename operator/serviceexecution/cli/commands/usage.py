"""``sx usage``: what services have used by month."""

from typing import Annotated

import typer

from serviceexecution.cli.console import note, say_json, say_table
from serviceexecution.cli.options import ContextOption, GatewayOption, NamespaceOption, Output, OutputOption
from serviceexecution.contract.json_types import JsonObject, JsonValue, objects_of, text_of


def usage(
    service: Annotated[
        str,
        typer.Argument(
            metavar="[SERVICE]", help="One service; all of the namespace by default.", show_default=False
        ),
    ] = "",
    month: Annotated[
        str, typer.Option("--month", metavar="MONTH", help="Only this month, such as 2026-11.")
    ] = "",
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what services have used, month by month.

    Executions count in the month in which they ended, also when they are deleted. Memory is the peak of each, for as
    long as its program ran.

    \b
    Examples:
      sx usage
      sx usage plot --month 2026-11
    """
    from serviceexecution.cli.session import open_session
    from serviceexecution.cli.summaries import service_summary
    from serviceexecution.kube.kinds import SERVICE_DEFINITIONS

    with open_session(context, namespace, gateway) as session:
        names = [service]
        if not service:
            found = session.api.list(SERVICE_DEFINITIONS, session.namespace)
            names = sorted(service_summary(item).name for item in found)
        answers = [session.service_client(name).usage(month) for name in names]
    if output is Output.JSON:
        documents: list[JsonValue] = [*answers]
        say_json(answers[0] if service else documents)
        return
    rows = [row for answer in answers for row in usage_rows(answer)]
    if rows:
        say_table(("SERVICE", "MONTH", "EXECUTIONS", "FAILED", "CANCELLED", "CPU HOURS", "GIB HOURS"), rows)
    else:
        note("No execution has ended yet.")


def usage_rows(answer: JsonObject) -> list[tuple[str, ...]]:
    """Return a row for each month in which anything ended, the newest first. Pure."""
    months = sorted(objects_of(answer.get("months")), key=lambda one: text_of(one.get("month")), reverse=True)
    return [
        (
            text_of(answer.get("service")),
            text_of(one.get("month")) + ("+" if one.get("partial") else ""),
            *(str(one.get(name)) for name in ("executions", "failures", "cancelled")),
            f"{_number(one.get('cpuSeconds')) / 3600:.3f}",
            f"{_number(one.get('gibHours')):.3f}",
        )
        for one in months
        if one.get("executions")
    ]


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
