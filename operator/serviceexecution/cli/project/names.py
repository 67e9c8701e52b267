"""Names of services and namespaces as Kubernetes takes them. Pure."""

import re
from typing import Final

from serviceexecution.cli.errors import CommandError

_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def checked_name(name: str, *, field: str) -> str:
    """Return the name; raises CommandError, naming ``field``, when Kubernetes would not take it."""
    if not _LABEL.fullmatch(name):
        raise CommandError(
            f"{field}: {name!r} is not a name for Kubernetes: use up to 63 lower-case letters, digits and hyphens, "
            "with a letter or digit at both ends."
        )
    return name


def name_of_folder(folder_name: str) -> str:
    """Return the service's name that a folder's name makes: ``My_Plot`` → ``my-plot``. Raises CommandError."""
    name = re.sub(r"[^a-z0-9]+", "-", folder_name.lower()).strip("-")[:63].rstrip("-")
    if not name:
        raise CommandError(
            f"The folder's name {folder_name!r} gives no name for the service; give one with --name."
        )
    return name
