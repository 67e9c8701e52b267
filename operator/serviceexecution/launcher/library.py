"""Which of the two in-container libraries runs a project.

They match the types of ``run()``'s parameters by identity, so that one library's ``SecretValue`` is nothing
to the other.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Final

QHUB: Final = "qhub"
PLANQK: Final = "planqk"
LIBRARIES: Final = (QHUB, PLANQK)
"""By preference: the newer one first, which also says best what failed."""


class LibraryMissingError(ImportError):
    """The environment has neither library."""


class LibrariesMixedError(TypeError):
    """``run()`` has types of both libraries."""


def distribution(library: str) -> str:
    """Return the name under which requirements.txt knows the library."""
    return f"{library}-commons"


def installed_library() -> str:
    """Return the library to log with: the preferred one of those that are installed.

    Imports only its logging. Raises LibraryMissingError, and whatever a broken installation raises.
    """
    for library in LIBRARIES:
        package = f"{library}.commons"
        try:
            import_module(f"{package}.logging")
        except ModuleNotFoundError as error:
            if error.name not in {library, package}:
                raise
        else:
            return library
    raise LibraryMissingError(
        "Neither qhub-commons nor planqk-commons is installed, and one of them runs the project; "
        "add qhub-commons to requirements.txt."
    )


def library_of(function: Callable[..., object], *, installed: str, modules_before: Collection[str]) -> str:
    """Return the library that runs ``function``: the one of its annotations, else the one that the project has
    imported since ``modules_before``, else ``installed``.

    Raises LibrariesMixedError when the annotations are of both.
    """
    annotated = _libraries_of(function)
    if len(annotated) > 1:
        raise LibrariesMixedError(
            "run() has types of both qhub.commons and planqk.commons, and each library takes only its own; "
            "import SecretValue and DataPool from one of them."
        )
    new = [module for module in sys.modules if module not in modules_before]
    imported = {
        library for library in LIBRARIES if any(module.startswith(f"{library}.commons.") for module in new)
    }
    for found in (annotated, imported):
        if len(found) == 1:
            return next(iter(found))
    return installed


def _libraries_of(function: Callable[..., object]) -> set[str]:
    from inspect import signature  # noqa: PLC0415 - the library needs it anyway, by now it is there

    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        return set()  # The library says what is wrong
    modules = {module for parameter in parameters for module in _modules_of(parameter.annotation)}
    return {
        library
        for library in LIBRARIES
        if any(module.startswith(f"{library}.commons.") for module in modules)
    }


def _modules_of(annotation: object) -> Iterator[str]:
    yield str(getattr(annotation, "__module__", ""))
    arguments = getattr(annotation, "__args__", ())
    for argument in arguments if isinstance(arguments, tuple) else ():
        yield from _modules_of(argument)
