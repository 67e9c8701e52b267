"""Many and heavy things on the installed operator: ``python -m benchmarks.weight [--short]``.

Makes what the findings of memory were made of, then ends controller and gateway, so that the next ones read all of it
at once. Prints what their processes and a collector held beside their limits. Exit status 1 when a container was ended,
or when a process came within a tenth of its limit.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.floods.stage import collector_token
from benchmarks.weight.memory import MIB, Memory, ends, last_end, memory
from benchmarks.weight.objects import fill, nest
from benchmarks.weight.outputs import read_result, run_with_files, unfinished_commits
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import PODS
from tests.support.accounts import account_token
from tests.support.cluster import NAMESPACES, Cluster, member, name_of, uid_of
from tests.support.operator import Operator

_SETTLE_SECONDS: Final = 240
_SWEPT_SECONDS: Final = 90
"""Sweeps and resyncs begin some time after the start, and read everything."""
_DELETE_SECONDS: Final = 1_200
_COMMITS_OF_NAMESPACE: Final = 3
_PROCESSES: Final = ("controller", "gateway")


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of each."""

    schemas: int
    """Ended executions that hold an output schema of 60 KiB."""
    inputs: int
    """Ended executions with an input of a megabyte."""
    files: int
    """Files of one result."""


FULL: Final = Size(schemas=10_000, inputs=200, files=50_000)
SHORT: Final = Size(schemas=300, inputs=20, files=2_000)


@dataclass(slots=True)
class Report:
    """What was seen after each step."""

    operator: Operator
    rows: list[tuple[str, str, Memory]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _ends: dict[str, int] = field(default_factory=dict)

    def look(self, step: str) -> None:
        """Note what controller and gateway hold, and whether one of their containers was ended since the first look."""
        for pod in self.operator.pods():
            process = _process_of(pod)
            found = memory(self.operator.namespace, pod, process)
            if found is None:
                self.faults.append(f"{process} does not run: {step}")
            else:
                self.add(step, process, found)
            before = self._ends.setdefault(uid_of(pod), ends(pod, process))
            if ends(pod, process) > before:
                self.faults.append(f"{process} was ended ({last_end(pod, process)}): {step}")
        print(f"done: {step}", flush=True)

    def add(self, step: str, process: str, found: Memory) -> None:
        """Note what a process holds."""
        self.rows.append((step, process, found))
        if not found.bearable:
            self.faults.append(f"{process} is within a tenth of its limit: {step}")

    def show(self) -> None:
        """Print the table."""
        table = Table("", "", "resident MiB", "with files' pages MiB", "limit MiB", "ended")
        for step, process, found in self.rows:
            figures = (found.resident, found.peak, found.limit)
            table.add_row(step, process, *(f"{figure / MIB:.0f}" for figure in figures), str(found.ends))
        console = Console(width=None if sys.stdout.isatty() else 150)
        console.print(table)
        for fault in dict.fromkeys(self.faults):
            console.print(f"NOT MET: {fault}")


def main() -> int:
    """Return 1 when a bound is passed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weight", description=__doc__)
    parser.add_argument("--short", action="store_true", help="much less of everything, within some minutes")
    size = SHORT if parser.parse_args().short else FULL
    address = os.environ.get("SX_GATEWAY_ADDRESS")
    cluster = Cluster()
    operator = Operator.find(cluster)
    if operator is None or not address:
        sys.exit("error: no operator is installed; run `make up`.")
    report = Report(operator)
    with _namespace(cluster) as namespace, _namespace(cluster) as other:
        try:
            _all_of_it(cluster, report, address, (namespace, other), size)
        finally:
            report.show()
    return 1 if report.faults else 0


def _all_of_it(
    cluster: Cluster, report: Report, address: str, namespaces: tuple[str, str], size: Size
) -> None:
    operator, namespace = report.operator, namespaces[0]
    report.look("before")
    asyncio.run(fill(namespace, schemas=size.schemas, inputs=size.inputs))
    report.look(f"{size.schemas:,} schemas, {size.inputs:,} inputs")
    if (reason := nest(namespace)) != "InvalidInput":
        report.faults.append(f"the nested execution ended as {reason}")
    report.look("an execution nested 5,000 deep")
    token = account_token(cluster, namespace, "developer", "edit")
    path = _outputs(cluster, report, namespace, size.files)
    read = read_result(address, path, token)
    report.look(f"their result read, {read / MIB:.0f} MiB")
    tokens = [collector_token(cluster, of) for of in namespaces for _ in range(_COMMITS_OF_NAMESPACE)]
    with unfinished_commits(address, tokens) as answers:
        print(f"answered meanwhile: {', '.join(one or 'nothing' for one in answers)}", flush=True)
        report.look("6 commits of 64 MiB, unfinished")
    old = frozenset(uid_of(pod) for pod in operator.pods())
    for pod in operator.pods():
        cluster.delete(PODS, operator.namespace, name_of(pod), grace_seconds=0)
    operator.wait_until_ready(seconds=_SETTLE_SECONDS, not_uids=old)
    report.look("all of it, after a restart")
    read_result(address, path, token)
    time.sleep(_SWEPT_SECONDS)
    report.look("and a while later")


def _outputs(cluster: Cluster, report: Report, namespace: str, files: int) -> str:
    path, collector = run_with_files(cluster, namespace, files)
    step = f"{files:,} files collected"
    if collector is None:
        report.faults.append("the collector was never seen")
    else:
        report.add(step, "collector", collector)
    report.look(step)
    return path


@contextlib.contextmanager
def _namespace(cluster: Cluster) -> Iterator[str]:
    """Make a namespace, and wait at the end until all that is in it is gone: the next may begin."""
    name = f"sx-weight-{secrets.token_hex(3)}"
    cluster.create(NAMESPACES, None, {"metadata": {"name": name}})
    try:
        yield name
    finally:
        cluster.delete(NAMESPACES, None, name)
        cluster.wait_until_gone(NAMESPACES, None, fields=f"metadata.name={name}", seconds=_DELETE_SECONDS)


def _process_of(pod: JsonObject) -> str:
    component = str(member(pod, "metadata", "labels", "app.kubernetes.io/component"))
    return component if component in _PROCESSES else "controller"


if __name__ == "__main__":
    sys.exit(main())
