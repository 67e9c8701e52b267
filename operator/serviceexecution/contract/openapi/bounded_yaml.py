"""YAML of other people, whose meaning stays small: without it one KiB of text is 100 GiB of members."""

from functools import cache
from typing import TYPE_CHECKING, Final

from typing_extensions import override

if TYPE_CHECKING:
    import yaml

MOST_MERGED: Final = 100
"""Mappings that one mapping may take in with ``<<``."""
MOST_MEMBERS: Final = 20_000
"""Members of a mapping with those that it takes in: each level of such mappings could double those before it."""


class YamlError(ValueError):
    """The text is no YAML that is read here; the message is one sentence."""


def read_yaml(data: bytes, name: str) -> object:
    """Return the document of a YAML text; raises YamlError."""
    import yaml  # noqa: PLC0415 - most commands of sx read no YAML

    try:
        return yaml.load(data, _loader())  # noqa: S506 - a safe loader with bounds
    except RecursionError:
        raise YamlError(f"{name} is nested too deeply.") from None
    except (yaml.YAMLError, ValueError) as error:  # A date or a number that is none, bytes that are no text
        raise YamlError(f"{name} is no YAML: {' '.join(str(error).split())[:300]}.") from None


@cache
def _loader() -> "type[yaml.SafeLoader]":
    """Return PyYAML's safe loader, with bounds for merge keys."""
    import yaml  # noqa: PLC0415

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
