"""Was each execution right? Compared with what its program does, whatever failed meanwhile."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.chaos.programs import Program


class Broken(StrEnum):
    """What must never be."""

    STUCK = "stuck"
    WRONG = "wrong"
    TWICE = "programs run twice"
    OUTPUT = "lost or doubled output"
    LINES = "lost or doubled lines"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is left of an execution."""

    phase: str
    reason: str
    message: str
    starts: int
    """How often its program said that it began."""
    log: str | None
    """None: it cannot be read."""
    files: Mapping[str, str] | None
    """SHA-256 by path. None: they cannot be read."""
    has_ended: bool
    runtime_died: bool = False
    """A containerd died while it ran: lines that it had not written yet are gone, and counted apart."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was not right, each with a sentence; and lines that a killed containerd never wrote."""

    faults: Mapping[Broken, str]
    never_written: int = 0


def judge(program: Program, seen: Seen) -> Verdict:
    """Return what was not right."""
    if not seen.has_ended:
        return Verdict({Broken.STUCK: f"{seen.phase or 'no phase'}/{seen.reason}: {seen.message}"})
    faults: dict[Broken, str] = {}
    if (seen.phase, seen.reason) != program.end:
        faults[Broken.WRONG] = (
            f"{seen.phase}/{seen.reason} instead of {'/'.join(program.end)}: {seen.message}"
        )
    if seen.starts > 1:
        faults[Broken.TWICE] = f"it began {seen.starts} times"
    if program.is_cancelled and not seen.starts:
        return Verdict(faults)  # It was cancelled in time: there is nothing to keep
    # Nor has one printed anything that was cancelled right after it began.
    wanted = () if program.is_cancelled and seen.log == "" else program.log
    problem, missing = _compare_lines(wanted, seen.log)
    never_written = missing if seen.runtime_died else 0
    if problem and not never_written:
        faults[Broken.LINES] = problem
    # A program that is stopped has a minute to be collected: its output may not outlive a longer outage.
    is_stopped = program.is_cancelled or "timeout" in program.fields
    unreadable = seen.files is None and not is_stopped
    if unreadable or (seen.files is not None and dict(seen.files) != program.digests):
        faults[Broken.OUTPUT] = _compare_files(program.digests, seen.files)
    return Verdict(faults, never_written)


def _compare_lines(wanted: Sequence[str], log: str | None) -> tuple[str, int]:
    """Return what is wrong with a log, and how many lines are missing when that is all that is wrong."""
    if log is None:
        return "the log cannot be read", 0
    found = log.splitlines()
    if found == list(wanted):
        return "", 0
    missing, extra = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    if extra:
        return f"{extra.total()} lines too many, such as {next(iter(extra))[:80]!r}", 0
    if missing:
        return f"{missing.total()} of {len(wanted)} lines are missing", missing.total()
    return "the lines are in another order", 0


def _compare_files(wanted: Mapping[str, str], found: Mapping[str, str] | None) -> str:
    if found is None:
        return "the files cannot be read"
    missing, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    other = sorted(path for path in wanted.keys() & found.keys() if wanted[path] != found[path])
    said = {"missing": missing, "too many": extra, "with other content": other}
    return "; ".join(
        f"{what}: {', '.join(paths[:3])} ({len(paths)})" for what, paths in said.items() if paths
    )
