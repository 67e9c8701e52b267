"""Why the program of a project cannot be imported, in one sentence with the place and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from serviceexecution.launcher.check.report import (
    ENTRY_POINT_MISSING,
    IMPORT_FAILED,
    SUCCEEDED,
    SYNTAX_ERROR,
    Report,
)
from serviceexecution.launcher.entry_point import EntryPointError

if TYPE_CHECKING:
    from serviceexecution.launcher.check.places import Places

_RUN_ONLY: Final = ("/var/runtime/", "/var/input")
"""Folders that are mounted when a service runs."""
_CIRCLE: Final = " (most likely due to a circular import)"
"""The interpreter's words."""


def library_failure(error: BaseException) -> Report:
    """Return the report of a library that cannot be imported."""
    text = str(error) or type(error).__name__
    if isinstance(error, ImportError) and "commons" in text and "requirements.txt" in text:
        return Report(IMPORT_FAILED, text)
    return Report(
        IMPORT_FAILED,
        f"The library that runs the project cannot be imported: {type(error).__name__}: {text}; "
        "correct its version, and those of pydantic and loguru, in requirements.txt.",
    )


def import_failure(error: BaseException, module: str, source: Path, places: Places) -> Report:
    """Return the report for what importing ``module`` raised."""
    if isinstance(error, EntryPointError):
        return Report(ENTRY_POINT_MISSING, _missing_module(error, module, source))
    if (needed := _needs_a_run(error)) is not None:
        return Report(SUCCEEDED, f"The signature of run() is not checked: importing {module} {needed}.")
    if isinstance(error, SyntaxError) and error.filename and (path := places.relative(error.filename)):
        return Report(SYNTAX_ERROR, f"{path}:{error.lineno or 1}: This is no valid Python: {error.msg}.")
    at = places.of_traceback(error.__traceback__)
    return Report(
        IMPORT_FAILED, f"{at}: {_why(error, module, source)}" if at else _why(error, module, source)
    )


def _missing_module(error: EntryPointError, module: str, source: Path) -> str:
    package, _, rest = module.partition(".")
    if package != source.name or not rest:
        return f"{error} The project is the package {source.name}: {module} is not in it."
    path = rest.replace(".", "/")
    return (
        f"There is no {path}.py, in which the entry point looks for its function; "
        "add the file, or name another entry point in spec.runtime.python.entryPoint."
    )


def _needs_a_run(error: BaseException) -> str | None:
    """Return what is missing only now; None when the import also fails in a run."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    innermost = "" if frames is None else str(frames.tb_frame.f_globals.get("__name__", ""))
    if isinstance(error, KeyError) and innermost == "os" and error.args:
        return f"needs the variable {error.args[0]}, which only a run may have; read it in run()"
    if isinstance(error, OSError) and str(error.filename or "").startswith(_RUN_ONLY):
        return f"needs {error.filename}, which only a run has; read it in run()"
    return None


def _why(error: BaseException, module: str, source: Path) -> str:
    if isinstance(error, SystemExit):
        code = "" if error.code is None else repr(error.code)
        return f"Importing {module} ends the program with sys.exit({code}); do that only in run()."
    text = f"{type(error).__name__}: {_text(error)}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        return (
            f"Importing {module} failed, there is no module {error.name}; {_where_it_is(error.name, source)}."
        )
    if isinstance(error, (ImportError, AttributeError)) and _CIRCLE in text:
        return (
            f"Importing {module} failed, since modules import each other: {text.partition(_CIRCLE)[0]}; "
            "import it inside of the function that needs it."
        )
    if isinstance(error, ImportError):
        return f"Importing {module} failed with {text}; correct the name, or the package's version in requirements.txt."
    return f"Importing {module} failed with {text}; correct that line, or move it into run()."


def _where_it_is(name: str, source: Path) -> str:
    top, _, rest = name.partition(".")
    found = [
        folder.relative_to(source.parent).as_posix().replace("/", ".")
        for folder in (source, source / "src")
        if (folder / f"{top}.py").is_file() or (folder / top).is_dir()
    ]
    if found:
        return f"import it as {found[0]}.{name}, the project is the package {source.name}"
    if top == source.name:
        return f"there is no such file in the project, add {rest.replace('.', '/')}.py or correct the name"
    return f"add the package that has {top} to requirements.txt, or correct the name"


def _text(error: BaseException) -> str:
    try:
        return str(error) or "no message"
    except Exception:  # noqa: BLE001 - any class may have a __str__ that raises
        return "no message"
