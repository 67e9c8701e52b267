"""The page docs/reasons-shown.md: each reason as kubectl, the API and ``sx`` show it, made by their own code."""

import functools
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from serviceexecution.builds.reasons import MEANINGS as BUILD_MEANINGS
from serviceexecution.builds.reasons import BuildReason
from serviceexecution.cli.deploy.progress import progress_of
from serviceexecution.cli.deploy.report import failure_sentence
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.run.ending import refuse_unsuccessful
from serviceexecution.cli.run.execute import phase_line
from serviceexecution.cli.summaries import ExecutionSummary, execution_summary, service_summary
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.executions.conditions import with_phase
from serviceexecution.executions.reasons import MEANINGS, Reason, sentence
from serviceexecution.gateway.http.problems import response_of, unavailable
from serviceexecution.gateway.service_api.documents.execution_document import STATUSES
from serviceexecution.gateway.service_api.documents.result_document import problem_of_failure
from serviceexecution.gateway.service_api.submission.readiness import not_ready
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.resources.crds.definitions import service_definition_crd, service_execution_crd
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase
from serviceexecution.resources.meaning import Meaning
from serviceexecution.resources.services.definition_status import ServiceDefinitionStatus
from tools.pages.build_cases import BuildCase, build_cases, decided, definition
from tools.pages.remedies import BUILDS, EXECUTIONS
from tools.pages.truth_cases import GROUPS, at
from tools.pages.truth_table import decisions_later, first_decision

PAGE: Final = "docs/reasons-shown.md"
_HEAD: Final = """# What each reason looks like

Each reason that a user can meet: what it means, what to do, and the words of kubectl, the Service API and `sx`. `make
generate` writes the blocks with the code of the operator, the gateway and `sx`, from the cases of the
[truth table](architecture/truth-table.md) and of `tools/pages/build_cases.py`; names and details are examples. All
reasons in one table, with their limits: [reasons.md](reasons.md).
"""
_WIDTH: Final = 120
_CONDITION: Final = re.compile(r'\.status\.conditions\[\?\(@\.type=="(\w+)"\)\]\.(\w+)')


def reasons_shown() -> str:
    """Return the page."""
    parts = [_HEAD, "## Executions\n"]
    statuses = execution_statuses()
    parts += [
        _section(reason.value, meaning, EXECUTIONS[reason], _execution_lines(statuses[reason]))
        for reason, meaning in MEANINGS.items()
    ]
    parts.append("## Builds\n")
    builds = build_statuses()
    parts += [
        _section(reason.value, meaning, BUILDS[reason], _build_lines(*builds[reason]))
        for reason, meaning in BUILD_MEANINGS.items()
    ]
    return "\n".join(parts)


def execution_statuses() -> dict[Reason, ExecutionStatus]:
    """Return a status of each reason, one that is final where there is one."""
    found: dict[Reason, ExecutionStatus] = {}
    for status in _decided_statuses():
        reason = Reason(status.reason) if status.reason else None
        known = found.get(reason) if reason is not None else None
        if reason is not None and (known is None or (_is_over(status) and not _is_over(known))):
            found[reason] = status
    # It is not decided from what is seen, but asked of the store before anything is made.
    before = Reason.RAN_BEFORE
    found[before] = with_phase(
        ExecutionStatus(), Phase.FAILED, before, sentence(before), now=at(1), generation=1
    )
    return found


def _decided_statuses() -> Iterator[ExecutionStatus]:
    """Give what is decided about all cases, first as they are found and then as time passes."""
    cases = [case for group in GROUPS.values() for case in group]
    firsts = [first_decision(case) for case in cases]
    for decision in firsts:
        yield decision.status
    for case, decision in zip(cases, firsts, strict=True):
        for later, _ in decisions_later(case, decision):
            yield later.status


def _is_over(status: ExecutionStatus) -> bool:
    return status.phase is not None and status.phase.terminal


def build_statuses() -> dict[BuildReason, tuple[BuildCase, ServiceDefinitionStatus]]:
    """Return a service's status for each reason of its build r1."""
    found: dict[BuildReason, tuple[BuildCase, ServiceDefinitionStatus]] = {}
    for case in build_cases():
        status = decided(case).status
        first = status.find("r1")
        if first is not None and first.reason is not None:
            found.setdefault(BuildReason(first.reason), (case, status))
    return found


def _section(name: str, meaning: Meaning, remedy: str, lines: Iterable[str]) -> str:
    words = textwrap.fill(f"{meaning.sentence} Whose turn: **{meaning.owner.value}**. {remedy}", _WIDTH)
    text = f"### `{name}`\n\n{words}\n"
    block = "\n".join(lines)
    return f"{text}\n```console\n{block}\n```\n"


def _execution_lines(status: ExecutionStatus) -> Iterator[str]:
    shown = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    item: JsonObject = {"metadata": {"name": "sum-1", "namespace": "team"}, "spec": {}, "status": shown}
    yield "$ kubectl get sx sum-1 -o wide"
    yield from _columns(item, _execution_columns(), ("Phase", "Reason", "Message"))
    yield "$ kubectl describe sx sum-1"
    yield from _conditions(shown)
    yield "$ curl $SERVICE_URL/sum-1"
    yield f'{{… "status": "{STATUSES[status.phase]}" …}}'
    if status.phase is Phase.FAILED:
        yield "$ curl $SERVICE_URL/sum-1/result"
        yield f"{{{json.dumps(problem_of_failure(status), ensure_ascii=False)[1:-1]} …}}"
    view = execution_summary(item)
    yield "$ sx run sum -d @input.json"
    yield phase_line(view)
    yield from _end_of_run(view, status)


class _Problem:
    """What ``sx run`` asks of a failed execution's result."""

    def __init__(self, status: ExecutionStatus) -> None:
        self._status = status

    def problem(self) -> str:
        return str(problem_of_failure(self._status)["detail"])


def _end_of_run(view: ExecutionSummary, status: ExecutionStatus) -> Iterator[str]:
    if not view.is_over:
        return
    outcome: Any = _Problem(status)
    try:
        refuse_unsuccessful(view, outcome)
    except CommandError as error:
        yield f"sx: {error}"
        yield f"[exit status {error.code.value}]"


def _build_lines(case: BuildCase, status: ServiceDefinitionStatus) -> Iterator[str]:
    shown = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    one = definition(case)
    item: JsonObject = {
        "metadata": {"name": "sum", "namespace": "team", "generation": 1},
        "spec": one.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": shown,
    }
    yield "$ kubectl get sxd sum -o wide"
    yield from _columns(item, _definition_columns(), ("Ready", "Phase", "Message"))
    yield "$ kubectl describe sxd sum"
    yield from _conditions(shown)
    known = KnownDefinition(one.metadata, status, 1, one.is_built)
    if (fault := not_ready(known)) is not None:
        answer = response_of(
            unavailable("ServiceNotReady", f"The service cannot run at the moment. {fault}".strip())
        )
        yield "$ curl -d @input.json $SERVICE_URL"
        yield bytes(answer.body).decode()
    service = service_summary(item)
    revision = service.find("r1")
    if revision is not None:
        yield "$ sx builds sum"
        yield f"{revision.name}   {revision.phase}   {revision.message}"
    progress = progress_of(service, applied=service, builds=True)
    if progress.exit_code:
        yield "$ sx deploy"
        yield f"sx: {failure_sentence(progress)}"
        yield f"[exit status {progress.exit_code.value}]"


@functools.cache
def _execution_columns() -> Mapping[str, str]:
    return _paths_of_columns(service_execution_crd())


@functools.cache
def _definition_columns() -> Mapping[str, str]:
    return _paths_of_columns(service_definition_crd())


def _paths_of_columns(crd: JsonObject) -> Mapping[str, str]:
    text: Any = crd
    columns = text["spec"]["versions"][0]["additionalPrinterColumns"]
    return {one["name"]: one["jsonPath"] for one in columns}


def _columns(item: JsonObject, columns: Mapping[str, str], names: Iterable[str]) -> Iterator[str]:
    """Give the named columns of ``kubectl get``, by the paths that the CRD has for them."""
    cells = [(name.upper(), _at(item, columns[name])) for name in names]
    widths = [max(map(len, cell)) for cell in cells]
    for row in zip(*cells, strict=True):
        yield "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _at(item: JsonObject, path: str) -> str:
    value: Any = item
    found = _CONDITION.fullmatch(path)
    if found is not None:
        conditions = value["status"].get("conditions", ())
        return next((one.get(found[2], "") for one in conditions if one["type"] == found[1]), "")
    for name in path.strip(".").split("."):
        value = value.get(name) or {}
    return value if isinstance(value, str) else ""


def _conditions(status: dict[str, Any]) -> Iterator[str]:
    """Give the conditions that say something."""
    for one in status.get("conditions", ()):
        if one.get("message"):
            yield f"  {one['type']}={one['status']} {one['reason']}: {one['message']}"
