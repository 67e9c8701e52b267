"""Files of a project, which may be somebody else's: of bounded size, of the project, and YAML that stays small."""

from pathlib import Path

from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.openapi import bounded_yaml


def own_file(
    folder: Path, name: str, most: int, *, hint: str = "shorten it, or leave it out"
) -> bytes | None:
    """Return what a file of the project holds, None when there is none; raises CommandError above ``most`` bytes.

    A link to a file outside is refused: what stands there, such as a person's credentials, is not for the cluster.
    """
    path = folder / name
    if not path.is_file():
        return None
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CommandError(f"{name} is a link to a file outside of the project: put the file itself there.")
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
    if len(data) > most:
        raise CommandError(f"{name} has more than {most // 1024} KiB; {hint}.")
    return data


def read_yaml(data: bytes, name: str) -> object:
    """Return the document of a YAML text; raises CommandError."""
    try:
        return bounded_yaml.read_yaml(data, name)
    except bounded_yaml.YamlError as error:
        raise CommandError(str(error)) from None
