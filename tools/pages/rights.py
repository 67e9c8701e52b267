"""Which rights the controller and the gateway need, read from the calls in their code.

A right is a resource ("batch/jobs", "/pods/log") and a verb. The chart's rules must be these and no others (tests/chart
compares them), and docs/operations.md lists them with the modules that call.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from serviceexecution.kube import kinds
from serviceexecution.kube.kinds import ResourceKind
from tools import ROOT
from tools.errors import GenerationError
from tools.pages.markdown import replace_parts, table

PAGE: Final = "docs/operations.md"
PROCESSES: Final = ("controller", "gateway")
_PACKAGE: Final = "serviceexecution"
_SOURCE: Final = ROOT / "operator"
_CLIENT_ITSELF: Final = frozenset(
    {"kube/client.py", "kube/objects.py", "kube/pages.py", "gateway/kubernetes_api.py"}
)

Right = tuple[str, str]
"""Resource and verb."""

_VERBS: Final = {
    "get": "get",
    "list": "list",
    "list_pages": "list",
    "create": "create",
    "patch": "patch",
    "delete": "delete",
    "watch": "watch",
}
_NAMED: Final[Mapping[str, Right]] = {
    "log_lines": ("/pods/log", "get"),
    "review_token": ("authentication.k8s.io/tokenreviews", "create"),
    "review_access": ("authorization.k8s.io/subjectaccessreviews", "create"),
    "create_token": ("/serviceaccounts/token", "create"),
}
_OURS: Final = ("serviceexecution.dev/serviceexecutions", "serviceexecution.dev/servicedefinitions")
_CHILDREN: Final = ("batch/jobs", "/pods")
_WATCHED: Final = (*_OURS, *_CHILDREN)

LOOPS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("controller/known/child_watches.py", "list"): _CHILDREN,
    ("controller/known/child_watches.py", "watch"): _CHILDREN,
    ("controller/executions/planning.py", "list"): (
        "/persistentvolumeclaims",
        "serviceexecution.dev/datapools",
    ),
    ("controller/known/resync.py", "list"): _WATCHED,
    ("controller/sweep.py", "list"): (*_OURS, "serviceexecution.dev/datapools"),
    ("gateway/state/service_state.py", "get"): _OURS,
    ("gateway/state/service_state.py", "list"): _OURS,
    ("gateway/state/service_state.py", "watch"): _OURS,
}
"""Calls whose kind is a variable: by module and verb, what it stands for."""

UNCALLED: Final[Mapping[str, Mapping[Right, str]]] = {
    "controller": {
        **{
            (resource, verb): "controller/known/watches.py"
            for resource in _OURS
            for verb in ("list", "watch")
        },
        ("serviceexecution.dev/serviceexecutions/finalizers", "update"): "executions/names.py",
        ("serviceexecution.dev/servicedefinitions/finalizers", "update"): "builds/render.py",
    },
    "gateway": {},
}
"""Needed without a call of our client: Kopf watches; some clusters ask for ``finalizers`` of an owner that blocks."""


@cache
def rights(process: str) -> Mapping[Right, frozenset[str]]:
    """Return right → modules that need it; raises GenerationError when a call's kind is not known."""
    found: dict[Right, set[str]] = defaultdict(set)
    for right, module in UNCALLED[process].items():
        found[right].add(module)
    for path in _modules(f"{_PACKAGE}.{process}.main"):
        place = path.relative_to(_SOURCE / _PACKAGE).as_posix()
        if place not in _CLIENT_ITSELF:
            for right in _calls(path, place):
                found[right].add(place)
    return {right: frozenset(places) for right, places in sorted(found.items())}


def replace_rights(text: str) -> str:
    """Return the page with a fresh table; raises GenerationError."""
    rows = []
    for process in PROCESSES:
        by_resource: dict[str, list[str]] = defaultdict(list)
        for (resource, verb), places in rights(process).items():
            by_resource[resource].append(f"`{verb}`: {', '.join(sorted(places))}")
        rows += [
            (process, f"`{resource.removeprefix('/')}`", "; ".join(uses))
            for resource, uses in by_resource.items()
        ]
    return replace_parts(
        PAGE, text, {"rights": table(("Process", "Resource", "Verb, and who needs it"), rows)}
    )


def _modules(start: str) -> set[Path]:
    """Return the files of ``start`` and of all modules of ours that it imports, directly or not."""
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        path = _file(waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def _file(module: str) -> Path | None:
    path = _SOURCE / module.replace(".", "/")
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if module.partition(".")[0] == _PACKAGE and candidate.is_file():
            return candidate
    return None


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _calls(path: Path, place: str) -> Iterator[Right]:
    for node in ast.walk(_parsed(path)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        method = node.func.attr
        if method in _NAMED:
            yield _NAMED[method]
        elif method in _VERBS and node.args:
            yield from _rights_of(node, _VERBS[method], _receiver(node.func), place)


def _rights_of(node: ast.Call, verb: str, receiver: str, place: str) -> Iterator[Right]:
    argument = node.args[0]
    kind = getattr(kinds, argument.id, None) if isinstance(argument, ast.Name) else None
    if isinstance(kind, ResourceKind):
        subresources = [
            f"/{keyword.value.value}"
            for keyword in node.keywords
            if keyword.arg == "subresource"
            and isinstance(keyword.value, ast.Constant)
            and isinstance(keyword.value.value, str)
        ]
        yield f"{kind.group}/{kind.plural}{''.join(subresources)}", verb
    elif isinstance(argument, ast.Name) and argument.id == "kind" and receiver.endswith("client"):
        if (place, verb) not in LOOPS:
            raise GenerationError(
                f"operator/{_PACKAGE}/{place}:{node.lineno}: "
                "say in LOOPS of tools/pages/rights.py of which kinds this is"
            )
        for resource in LOOPS[place, verb]:
            yield resource, verb


def _receiver(function: ast.Attribute) -> str:
    value = function.value
    return value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
