"""Folders that a program finds in its container.

Source: the platform's runtime interface (folders), its in-container libraries (names of the variables), and
its older sample images, which read ``/var/input`` and fall back to data in the image when it is missing.
"""

from typing import Final

INPUT_DIRECTORY: Final = "/var/runtime/input"
"""One ``<property>.json`` per top-level property of the input."""

OLDER_INPUT_DIRECTORY: Final = "/var/input"
"""The same files once more, for programs of the older interface."""

OUTPUT_DIRECTORY: Final = "/var/runtime/output"
"""Every regular file below it is output."""

DATAPOOL_DIRECTORY: Final = "/var/runtime/datapool"
"""``<property>/`` holds the files of that property's data pool; the folder itself always exists."""

MAIN_RESULT_FILE: Final = "output.json"
"""The main result, relative to the output directory."""

PROBLEM_FILE: Final = "problem.json"
"""Where our launcher leaves a problem (RFC 9457) when the main result is the program's own."""

PROPERTY_FILE_SUFFIX: Final = ".json"

SECRET_VARIABLE_PREFIX: Final = "SECRET_"  # noqa: S105 - a prefix of names


def property_file(name: str) -> str:
    """File name of a property's value, relative to the input directory. ``name`` must have passed the input's
    checks."""
    return f"{name}{PROPERTY_FILE_SUFFIX}"


def data_pool_directory(name: str) -> str:
    """Absolute folder of the data pool that the property ``name`` refers to."""
    return f"{DATAPOOL_DIRECTORY}/{name}"
