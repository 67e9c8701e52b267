"""The project on disk: what a build would find at once. Runs nothing of it."""

import ast
from pathlib import Path
from typing import Final

from serviceexecution.cli.doctor.finding import Finding, State
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.project.plan import DOCKERFILE, ENTRY_POINT, PROGRAM, Plan, RuntimeKind, make_plan
from serviceexecution.cli.project.project_file import PROJECT_FILE
from serviceexecution.cli.project.whole import read_project
from serviceexecution.contract.json_types import object_at

_WHAT: Final = "project"
_PACKAGE: Final = "user_code."


def look_at_project(folder: Path) -> Finding:
    """Return how the project of a folder is; a folder without one is no fault."""
    marks = (PROGRAM, DOCKERFILE, PROJECT_FILE)
    if not any((folder / mark).exists() for mark in marks):
        return Finding(_WHAT, State.UNKNOWN, f"{folder} holds no project.", "sx init python NAME starts one.")
    try:
        whole = read_project(folder)
        plan = make_plan(folder, whole.file, convention=whole.runtime)
    except CommandError as error:
        return Finding(
            _WHAT, State.WRONG, str(error), f"Correct {folder}, or run sx doctor in the project's folder."
        )
    if plan.kind is RuntimeKind.PYTHON and plan.git is None:
        fault = _python_fault(folder, plan)
        if fault is not None:
            return fault
    return Finding(_WHAT, State.GOOD, f"{plan.name}, a {plan.kind.value} project.")


def _python_fault(folder: Path, plan: Plan) -> Finding | None:
    entry = str(object_at(plan.project.spec, "runtime", "python").get("entryPoint") or ENTRY_POINT)
    module, _, function = entry.partition(":")
    root = folder / str(object_at(plan.project.spec, "source").get("subPath") or "")
    path = root / (module.removeprefix(_PACKAGE).replace(".", "/") + ".py")
    if not module.startswith(_PACKAGE) or not path.is_file():
        return Finding(
            _WHAT,
            State.WRONG,
            f"The entry point {entry} leads to no file of the project.",
            f"Correct spec.runtime.python.entryPoint in {PROJECT_FILE}; src/program.py is {ENTRY_POINT}.",
        )
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        return Finding(
            _WHAT, State.WRONG, f"{path}{line} is no Python: {error.args[0]}.", "Correct the line."
        )
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    imported = any(isinstance(node, ast.ImportFrom | ast.Import) for node in ast.walk(tree))
    if function not in names and not (
        imported and function in path.read_text(encoding="utf-8", errors="replace")
    ):
        return Finding(
            _WHAT,
            State.WRONG,
            f"{path} has no function {function}().",
            f"Define it, or say another one in {PROJECT_FILE}: spec.runtime.python.entryPoint.",
        )
    return None
