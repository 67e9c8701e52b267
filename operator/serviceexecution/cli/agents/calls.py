"""What an agent may do: services are run, executions are looked at, read and cancelled. Each call waits for its answer.

The kubeconfig's rights hold as for every command. Beyond them only executions that an agent has started are cancelled,
and only secrets that sx mcp was given go to a service.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from serviceexecution.cli.agents.answers import (
    LARGEST_RESULT,
    MOST_FILES,
    execution_document,
    log_document,
    result_value,
)
from serviceexecution.cli.agents.offered import (
    OfferedService,
    chosen,
    description_of,
    needed_secrets,
    offered,
    schema_text,
    service_document,
)
from serviceexecution.cli.client.channel import Channel
from serviceexecution.cli.client.places import target_of
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.listing.selection import Selection, newest_first
from serviceexecution.cli.run.body import SECRETS, TAGS, request_body
from serviceexecution.cli.run.execute import submit
from serviceexecution.cli.run.result import MAIN_RESULTS, PlainOutcome
from serviceexecution.cli.session import USER_API, Session
from serviceexecution.cli.sizes import shown_size
from serviceexecution.cli.summaries import ExecutionSummary, execution_summary
from serviceexecution.cli.watching import WaitedTooLongError, Watched, watch
from serviceexecution.contract.json_types import JsonObject, JsonValue, objects_of
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS, path_segment

TAG: Final = "mcp"
"""Tag of all executions that agents start."""
LINES_OF_A_FAILURE: Final = 30
LARGEST_SAVED: Final = 1024**3
"""Bytes of all files of a result that are saved at once."""
_MOST_SERVICES: Final = 500
_LARGEST_SCHEMA: Final = 64 * 1024
_LARGEST_FILE_LIST: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person who starts sx mcp lets an agent have."""

    only: frozenset[str] = frozenset()
    """Names of services, all of the namespace when there is none."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    """Where files of results may be saved."""
    patience: float = 50.0
    """Seconds for which a call waits for the end of an execution."""


class Calls:
    """The calls. Raises CommandError and what Session, its API and its channel raise."""

    def __init__(self, session: Session, wish: Wish) -> None:
        self._session = session
        self.wish = wish

    def tools(self) -> list[OfferedService]:
        """Return the services that have tools of their own."""
        return offered(self._definitions())

    def services(self) -> JsonObject:
        """List the services."""
        found = self._definitions()
        tools = {one.tool for one in offered(found)}
        shown: list[JsonValue] = [service_document(one, tools) for one in found[:_MOST_SERVICES]]
        more = len(found) - len(shown)
        return {"services": shown, **({"notShown": more} if more else {})}

    def describe(self, service: str) -> JsonObject:
        """Return what a service says of itself, and its schema."""
        definition = self._definition(service)
        text = schema_text(definition)
        found: JsonObject = {**service_document(definition, ()), "description": description_of(definition)}
        del found["tool"]
        if text is not None and len(text.encode()) <= _LARGEST_SCHEMA:
            found["inputSchema"] = json.loads(text)
        elif text is not None:
            found["note"] = f"The input's schema has {shown_size(len(text.encode()))} and is not shown."
        return found

    def start(self, service: str, given: Mapping[str, object]) -> str:
        """Start an execution and return its id."""
        for name in (SECRETS, TAGS):
            if name in given:
                raise CommandError(f"{name}: secrets and tags are not taken from an agent; leave it out.")
        try:
            text = json.dumps(given, ensure_ascii=False, allow_nan=False)
        except RecursionError:
            raise CommandError("The input is nested too deep: put its values into fewer levels.") from None
        except ValueError:
            raise CommandError(
                "The input has NaN, Infinity or -Infinity, which are no JSON: leave them out, or use null."
            ) from None
        asked = needed_secrets(self._definition(service))
        secrets = {name: value for name, value in self.wish.secrets.items() if name in asked}
        return submit(self._session, service, request_body(text, secrets, [TAG]))

    def wait(self, execution: str, report: Callable[[ExecutionSummary], None]) -> ExecutionSummary:
        """Return the execution at its end, or as it stands when patience is over. Each look is reported."""
        name = self.look(execution).name
        last: ExecutionSummary | None = None
        watched = Watched(lambda: self._session.execution(name), lambda view: view.is_over, lambda _: None)
        try:
            for seen in watch(watched, seconds=self.wish.patience):
                if isinstance(seen, ExecutionSummary):
                    last = seen
                    report(seen)
        except WaitedTooLongError:
            pass
        return last if last is not None else self._session.execution(name)

    def look(self, execution: str) -> ExecutionSummary:
        """Return how an execution stands."""
        view = self._session.execution(execution)
        self._check_offered(view.service)
        return view

    def outcome(self, view: ExecutionSummary, *, save: bool = False) -> JsonObject:
        """Return an execution with its result, or with the end of its log when it has failed."""
        found = execution_document(view)
        if not view.is_over:
            found["note"] = "It has not ended. Ask for its end with executions_result."
            return found
        if view.phase != "Succeeded":
            return {**found, **(self.log(view, LINES_OF_A_FAILURE) if view.started is not None else {})}
        return {**found, **self._result(view, save=save)}

    def log(self, view: ExecutionSummary, most: int, contains: str = "") -> JsonObject:
        """Return the last lines of an execution's log."""
        lines = (entry["message"] for entry in PlainOutcome(self._channel(view)).log())
        return log_document(lines, most=most, contains=contains)

    def executions(self, service: str, phase: str, most: int) -> JsonObject:
        """List the newest executions."""
        wanted = Selection.of(statuses=[phase] if phase else (), service=service)
        items = self._session.api.list(
            SERVICE_EXECUTIONS, self._session.namespace, field_selector=wanted.field_selector
        )
        views = newest_first(
            view
            for view in map(execution_summary, items)
            if wanted.takes(view) and self._offers(view.service)
        )
        shown: list[JsonValue] = [execution_document(view) for view in views[:most]]
        more = len(views) - len(shown)
        return {"executions": shown, **({"older": more} if more else {})}

    def cancel(self, execution: str) -> JsonObject:
        """Stop an execution that an agent has started."""
        view = self.look(execution)
        if view.is_over:
            return {**execution_document(view), "cancelling": False}
        if TAG not in view.tags:
            raise CommandError(
                f"{view.name} was not started by an agent, so it is not an agent's to cancel: sx cancel does it."
            )
        self._session.api.patch(
            SERVICE_EXECUTIONS, self._session.namespace, view.name, {"spec": {"cancel": True}}, manager="sx"
        )
        return {**execution_document(view), "cancelling": True}

    def _definitions(self) -> list[JsonObject]:
        found = self._session.api.list(SERVICE_DEFINITIONS, self._session.namespace)
        return chosen(found, self.wish.only)

    def _definition(self, service: str) -> JsonObject:
        self._check_offered(service)
        return self._session.service_object(service)

    def _offers(self, service: str) -> bool:
        return not self.wish.only or service in self.wish.only

    def _check_offered(self, service: str) -> None:
        if not self._offers(service):
            raise CommandError(
                f"sx mcp was started without the service {service}."
                if service
                else "sx mcp was started for some services, and the execution is of none."
            )

    def _channel(self, view: ExecutionSummary) -> Channel:
        namespace, name = map(path_segment, (self._session.namespace, view.name))
        return self._session.channel.below(f"{USER_API}/namespaces/{namespace}/executions/{name}")

    def _result(self, view: ExecutionSummary, *, save: bool) -> JsonObject:
        channel = self._channel(view)
        sizes = _sizes(channel)
        outcome = PlainOutcome(channel)
        found: JsonObject = {"result": None}
        main = next((name for name in MAIN_RESULTS if name in sizes), None)
        if main is not None:
            content, whole = _begin(channel, f"/files/{main}", LARGEST_RESULT)
            found["result"] = result_value(content, whole=whole)
            if not whole:
                found["note"] = f"Only the first {shown_size(LARGEST_RESULT)} of the result are shown."
        others = [name for name in sizes if name != main]
        files: list[JsonValue] = [{"path": name, "bytes": sizes[name]} for name in others[:MOST_FILES]]
        found["files"] = files
        if len(others) > MOST_FILES:
            found["filesNotNamed"] = len(others) - MOST_FILES
        if save:
            found["savedIn"] = self._saved(view, outcome, sum(sizes.values()))
        return found

    def _saved(self, view: ExecutionSummary, outcome: PlainOutcome, size: int) -> str:
        """Save all files of a result and return the folder."""
        if self.wish.directory is None:
            raise CommandError("sx mcp was started without --directory, so files are not saved.")
        if size > LARGEST_SAVED:
            raise CommandError(
                f"The files have {shown_size(size)}, and {shown_size(LARGEST_SAVED)} are saved at most. "
                f"Fetch them with: sx result {view.name} -o DIR"
            )
        folder = target_of(self.wish.directory, view.name)
        for _ in outcome.download_all(folder):
            pass
        return str(folder.absolute())


def _sizes(channel: Channel) -> dict[str, int]:
    """Return path → bytes of each output file."""
    content, whole = _begin(channel, "/files", _LARGEST_FILE_LIST)
    if not whole:
        raise CommandError("The result has more files than can be listed.")
    listed = objects_of(json.loads(content).get("files"))
    return {str(file.get("path")): _number(file.get("size")) for file in listed}


def _begin(channel: Channel, path: str, most: int) -> tuple[bytes, bool]:
    """Return the first bytes of an answer, and whether they are all."""
    with channel.stream("GET", path) as answer:
        begin = bytearray()
        for chunk in answer.iter_bytes():
            begin += chunk
            if len(begin) > most:
                return bytes(begin[:most]), False
        return bytes(begin), True


def _number(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0
