"""Starts an execution and stays with it until its end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from serviceexecution.cli.client.channel import RefusedError
from serviceexecution.cli.client.log_entry import LogEntry
from serviceexecution.cli.cluster.api import ApiError
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.run.result import Outcome, PlainOutcome, ServiceOutcome
from serviceexecution.cli.session import USER_API, Session
from serviceexecution.cli.summaries import ExecutionSummary, execution_summary
from serviceexecution.cli.terminal import visible_line
from serviceexecution.cli.watching import LogTrouble, Watched, watch
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS, path_segment

_NOT_READY: Final = "ServiceNotReady"


def submit(session: Session, service: str, body: bytes, *, key: str = "") -> str:
    """Start an execution and return its id, once for each ``key``; raises CommandError, with 3 when the service has no
    image.
    """
    try:
        return session.service_client(service).submit(body, key=key)
    except RefusedError as error:
        if error.problem_code != _NOT_READY:
            raise
        view = session.service(service)
        if view.phase == "Failed" and view.revisions and not view.serving:
            raise CommandError(str(error), code=ExitCode.BUILD_FAILED) from None
        raise


def outcome_of(session: Session, execution: ExecutionSummary) -> Outcome:
    """Return what reads the execution's log and result."""
    if execution.service:
        return ServiceOutcome(session.service_client(execution.service), execution.api_id)
    namespace, name = map(path_segment, (session.namespace, execution.name))
    path = f"{USER_API}/namespaces/{namespace}/executions/{name}"
    return PlainOutcome(session.channel.below(path))


@dataclass(frozen=True, slots=True)
class Follower:
    """Shows phases and log of an execution as they come."""

    session: Session
    outcome: Outcome
    show_state: Callable[[str], None]
    show_line: Callable[[str], None]
    """Gets each line of the log."""

    def follow(self, service: str, execution: str, *, seconds: float | None) -> ExecutionSummary:
        """Return the execution at its end; raises WaitedTooLongError, CommandError, ApiError."""
        said = ""
        last: ExecutionSummary | None = None
        watched = Watched(self._look(service, execution), lambda view: view.is_over, self._log)
        for seen in watch(watched, seconds=seconds):
            match seen:
                case ExecutionSummary():
                    last = seen
                    line = phase_line(seen)
                    if line != said:
                        self.show_state(line)
                        said = line
                case LogTrouble():
                    self.show_state(f"(the log cannot be shown: {seen.message})")
                case _:
                    self.show_line(seen["message"])
        if last is None:
            raise CommandError(f"{execution} was not seen.")
        return last

    def _log(self, view: ExecutionSummary) -> Iterator[LogEntry] | None:
        started = view.phase == "Running" or (view.is_over and view.started is not None)
        return self.outcome.follow_log() if started else None

    def _look(self, service: str, execution: str) -> Callable[[], ExecutionSummary]:
        def by_cluster() -> ExecutionSummary:
            found = self.session.api.get(SERVICE_EXECUTIONS, self.session.namespace, execution)
            if found is None:
                raise CommandError(
                    f"The execution {execution} was deleted before its end was seen. Where its service has a short "
                    "ttlSecondsAfterFinished, it may have succeeded: give it 60 or more."
                )
            return execution_summary(found)

        def by_service() -> ExecutionSummary:
            client = self.session.service_client(service)
            return view_of_status(client.status(execution), service, self.session.namespace)

        def look() -> ExecutionSummary:
            try:
                return by_cluster()
            except ApiError as error:  # Who may only call services learns the phase, and not why
                if error.status != 403 or not service:
                    raise
            return by_service()

        return look


def phase_line(view: ExecutionSummary) -> str:
    """Return what to say of an execution's state. Pure."""
    return f"{view.phase}: {visible_line(view.message)}" if view.message else view.phase


def view_of_status(status: JsonObject, service: str, namespace: str) -> ExecutionSummary:
    """Return the view of what the Service API says of an execution. Pure."""
    phase = str(status.get("status") or "UNKNOWN").capitalize()
    started = status.get("startedAt")
    metadata: JsonObject = {"name": status.get("id"), "namespace": namespace}
    told: JsonObject = {"phase": phase}
    if isinstance(started, str):
        told["startTime"] = f"{started.replace(' ', 'T')}+00:00"
    return execution_summary(
        {"metadata": metadata, "spec": {"serviceRef": {"name": service}}, "status": told}
    )
