"""The check itself. It imports the project, so it runs in a process that may end at any moment."""

from __future__ import annotations

import inspect
import os
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from serviceexecution.launcher import entry_point, library, log_level
from serviceexecution.launcher.check.importing import import_failure, library_failure
from serviceexecution.launcher.check.places import Places
from serviceexecution.launcher.check.report import (
    ENTRY_POINT_MISSING,
    SIGNATURE_INVALID,
    SUCCEEDED,
    SYNTAX_ERROR,
    Report,
)
from serviceexecution.launcher.check.signature import signature_fault
from serviceexecution.launcher.check.syntax import syntax_fault
from serviceexecution.launcher.converters import Converters
from serviceexecution.launcher.log import print_traceback
from serviceexecution.launcher.redaction import Redaction
from serviceexecution.launcher.schema.document import input_schema, output_schema

if TYPE_CHECKING:
    from collections.abc import Callable

SYNTAX: Final = "syntax"
IMPORT: Final = "import"
SIGNATURE: Final = "signature"


def examine(source: Path, entry: str, enter: Callable[[str], None]) -> Report:
    """Check the project below ``source``; ``enter`` is told of each phase that begins."""
    enter(SYNTAX)
    if (fault := syntax_fault(source)) is not None:
        return Report(SYNTAX_ERROR, fault)
    enter(IMPORT)
    try:
        name, attribute = entry_point.split(entry)
    except entry_point.EntryPointError as error:
        return Report(ENTRY_POINT_MISSING, str(error))
    log_level.correct(os.environ)
    try:
        installed = library.installed_library()
        import_module(f"{installed}.commons.logging").init_logging()
    except Exception as error:  # noqa: BLE001 - whatever the installed packages raise
        return library_failure(error)
    before = set(sys.modules)
    places = Places(source)
    try:
        program = entry_point.import_program(name)
    except BaseException as error:  # noqa: BLE001 - also SystemExit
        report = import_failure(error, name, source, places)
        if not isinstance(error, entry_point.EntryPointError):
            print_traceback(error, Redaction({}))
        return replace(report, library=installed)
    try:
        function = entry_point.function_of(program, attribute)
    except entry_point.EntryPointError:
        path = places.relative(getattr(program, "__file__", None) or "") or name
        what = "has no function" if not hasattr(program, attribute) else "has a value, not a function,"
        message = f"{path} {what} {attribute}, which the entry point names; write def {attribute}(…) in it."
        return Report(ENTRY_POINT_MISSING, message)
    except Exception as error:  # noqa: BLE001 - a __getattr__ of the module may raise anything
        return replace(import_failure(error, name, source, places), library=installed)
    enter(SIGNATURE)
    try:
        chosen = library.library_of(function, installed=installed, modules_before=before)
    except library.LibrariesMixedError as error:
        return Report(SIGNATURE_INVALID, f"{places.of_function(function)}{error}")
    try:
        return _signature(function, chosen, places)
    except Exception as error:  # noqa: BLE001 - a fault of this check must not end a build
        return Report(SUCCEEDED, f"The signature is not checked: {type(error).__name__}: {error}", chosen)


def _signature(function: Callable[..., object], chosen: str, places: Places) -> Report:
    converters = Converters(chosen)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        return Report(
            SIGNATURE_INVALID, f"{places.of_function(function)}It has no signature: {error}.", chosen
        )
    checked = signature_fault(function, signature, converters, places)
    if checked.fault is not None:
        return Report(SIGNATURE_INVALID, checked.fault, chosen)
    return Report(
        SUCCEEDED,
        " ".join(checked.notes),
        chosen,
        input_schema(signature, converters, inspect.getdoc(function)),
        output_schema(signature),
    )
