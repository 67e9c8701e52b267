"""Shows a deployment's build until it is over."""

from collections.abc import Iterator

from serviceexecution.cli.client.events import follow_log
from serviceexecution.cli.client.log_entry import LogEntry
from serviceexecution.cli.console import note, note_output
from serviceexecution.cli.deploy.progress import Progress, Stage, progress_of
from serviceexecution.cli.session import USER_API, Session
from serviceexecution.cli.summaries import RevisionSummary, ServiceSummary, shown_seconds
from serviceexecution.cli.terminal import visible_line
from serviceexecution.cli.watching import LogTrouble, Watched, watch
from serviceexecution.kube.kinds import path_segment


def follow_deployment(
    session: Session, applied: ServiceSummary, *, builds: bool, seconds: float | None = None
) -> Progress:
    """Show the build until it is over and return how it ended; raises WaitedTooLongError, CommandError, ApiError."""
    reporter = _Reporter(applied)
    last = Progress(Stage.UNSEEN, applied)
    for seen in watch(_watched(session, applied, builds=builds), seconds=seconds):
        match seen:
            case Progress():
                last = seen
                reporter.state(seen)
            case LogTrouble():
                note(f"  (the log cannot be shown: {seen.message})")
            case _:
                note_output(f"  | {seen['message']}")
    return last


def build_log(session: Session, service: str, revision: str) -> str:
    """Return the path of a build's log at the gateway."""
    namespace, service, revision = map(path_segment, (session.namespace, service, revision))
    return f"{USER_API}/namespaces/{namespace}/services/{service}/builds/{revision}/log"


def follow_build_log(session: Session, service: str, revision: str) -> Iterator[LogEntry]:
    """Give the lines of a build's log until the cluster says that the build is over.

    Raises RefusedError, ApiError, httpx.HTTPError.
    """

    def is_over() -> bool:
        found = session.service(service).find(revision)
        return found is None or found.is_over

    return follow_log(session.channel, build_log(session, service, revision), is_over=is_over)


def _watched(session: Session, applied: ServiceSummary, *, builds: bool) -> Watched[Progress]:
    def look() -> Progress:
        return progress_of(session.service(applied.name), applied=applied, builds=builds)

    def log(progress: Progress) -> Iterator[LogEntry] | None:
        revision = progress.revision
        if revision is None or not (_has_log(progress, revision) or is_new(applied, revision)):
            return None
        return follow_build_log(session, applied.name, revision.name)

    return Watched(look, lambda progress: progress.stage.is_over, log)


def _has_log(progress: Progress, revision: RevisionSummary) -> bool:
    """Tell whether there is something to read: not of a build of long ago that is used again."""
    if revision.phase == "Building":
        return True
    return progress.stage is Stage.FAILED and revision.started is not None


def is_new(applied: ServiceSummary, revision: RevisionSummary) -> bool:
    """Tell whether the deployment has had a revision built, however quickly that went by."""
    before = applied.find(revision.name)
    return revision.phase == "Succeeded" and (before is None or not before.is_over)


class _Reporter:
    """Says each change of state once."""

    def __init__(self, applied: ServiceSummary) -> None:
        self._applied = applied
        self._said = ""
        self._saw_build = False

    def state(self, progress: Progress) -> None:
        line = self._line(progress)
        if line and line != self._said:
            note(line)
            self._said = line

    def _line(self, progress: Progress) -> str:
        revision = progress.revision
        name = f"{revision.name}: " if revision is not None else ""
        why = f" ({visible_line(progress.message)})" if progress.message else ""
        match progress.stage:
            case Stage.UNSEEN | Stage.WAITING:
                return f"{name}{progress.stage.value}{why}"
            case Stage.BUILDING:
                self._saw_build = True
                return f"{name}building"
            case Stage.SWITCHING:
                return f"{name}{progress.stage.value}"
            case Stage.SERVING | Stage.BUILT if revision is not None:
                if not self._saw_build and not is_new(self._applied, revision):
                    return f"Nothing to build: {revision.name} was built from the same source."
                return f"{name}built in {shown_seconds(revision.started, revision.ended)}"
            case _:
                return ""
