"""Executions as rows and as documents. Pure, but for what it prints."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Final

import typer

from serviceexecution.cli.console import say, say_json, say_table, say_yaml
from serviceexecution.cli.summaries import ExecutionSummary, shown_seconds
from serviceexecution.cli.terminal import visible_line
from serviceexecution.contract.json_types import JsonObject, JsonValue


class Form(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


FormOption = Annotated[
    Form, typer.Option("--output", "-o", help="How to print the answer; name prints one id a line.")
]
_Cell = Callable[[ExecutionSummary], str]
_NAMESPACE: Final[tuple[str, _Cell]] = ("NAMESPACE", lambda view: view.namespace)
_COLUMNS: Final[tuple[tuple[str, _Cell], ...]] = (
    ("ID", lambda view: view.name),
    ("SERVICE", lambda view: view.service),
    ("REVISION", lambda view: view.revision),
    ("PHASE", lambda view: view.phase),
    ("REASON", lambda view: view.reason),
    ("DURATION", lambda view: shown_seconds(view.started, view.ended)),
    ("AGE", lambda view: shown_seconds(view.created, None)),
)
_WIDE: Final[tuple[tuple[str, _Cell], ...]] = (
    ("TAGS", lambda view: ",".join(view.tags)),
    ("MESSAGE", lambda view: view.message),
)


def columns(*, wide: bool = False, namespace: bool = False) -> tuple[tuple[str, _Cell], ...]:
    """Return headings, and what stands below each."""
    return ((_NAMESPACE,) if namespace else ()) + _COLUMNS + (_WIDE if wide else ())


def say_executions(views: Sequence[ExecutionSummary], form: Form, *, namespace: bool = False) -> None:
    """Print executions; ``namespace`` says that they are of several."""
    match form:
        case Form.JSON:
            say_json([document(view) for view in views])
        case Form.YAML:
            say_yaml([document(view) for view in views])
        case Form.NAME:
            for view in views:
                say(visible_line(view.name))
        case _:
            shown = columns(wide=form is Form.WIDE, namespace=namespace)
            rows = [[cell(view) for _, cell in shown] for view in views]
            say_table([heading for heading, _ in shown], rows)


def document(view: ExecutionSummary) -> JsonObject:
    """Return an execution for programs."""
    times = (("createdAt", view.created), ("startTime", view.started), ("completionTime", view.ended))
    tags: list[JsonValue] = list(view.tags)
    return {
        "id": view.name,
        "namespace": view.namespace,
        "service": view.service or None,
        "revision": view.revision or None,
        "phase": view.phase,
        "reason": view.reason or None,
        "message": view.message or None,
        **{name: None if value is None else value.isoformat() for name, value in times},
        **({"tags": tags} if tags else {}),
        **({"earlierAttempts": [one.document for one in view.attempts]} if view.attempts else {}),
    }
