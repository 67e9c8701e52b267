"""Files of a project, which may be somebody else's: of bounded size, of the project, and YAML that stays small."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from serviceexecution.cli.errors import CommandError

if TYPE_CHECKING:
    import yaml

MOST_MERGED: Final = 100
"""Mappings that one mapping may take in with ``<<``."""
MOST_MEMBERS: Final = 20_000
"""Members of a mapping with those that it takes in: each level of such mappings could double those before it."""


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
    import yaml

    try:
        return yaml.load(data, _loader())  # noqa: S506 - a safe loader with bounds
    except RecursionError:
        raise CommandError(f"{name} is nested too deeply.") from None
    except (yaml.YAMLError, ValueError) as error:  # A date or a number that is none, bytes that are no text
        raise CommandError(f"{name} is no YAML: {' '.join(str(error).split())[:300]}.") from None


@cache
def _loader() -> "type[yaml.SafeLoader]":
    """Return PyYAML's safe loader, with bounds for merge keys. Imported late: most commands read no YAML."""
    import yaml

    class BoundedLoader(yaml.SafeLoader):
        @override
        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            merged = 0
            for key, value in node.value:
                if key.tag == "tag:yaml.org,2002:merge":
                    merged += len(value.value) if isinstance(value, yaml.SequenceNode) else 1
            if merged > MOST_MERGED:
                raise yaml.constructor.ConstructorError(
                    None, None, f"more than {MOST_MERGED} mappings are merged into one", node.start_mark
                )
            super().flatten_mapping(node)
            if len(node.value) > MOST_MEMBERS:
                raise yaml.constructor.ConstructorError(
                    None, None, f"a mapping has more than {MOST_MEMBERS:,} members", node.start_mark
                )

    return BoundedLoader
