"""Which properties of an input are data pools: mounted folders instead of files.

Source: the runtime interface (``{"id": …, "ref": "DATAPOOL"}``), and the in-container libraries' schema
generator, which writes ``datapool`` in lower case: both spellings count.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.input.pool_grants import asks_to_modify
from serviceexecution.contract.json_text import has_half_a_pair, skim
from serviceexecution.contract.problems import InputError
from serviceexecution.contract.quoting import quoted

DATA_POOL_REFERENCE: Final = "DATAPOOL"
_MAX_ID: Final = 253
_MAY_HAVE_REF: Final = re.compile(r'"ref"|\\u')
"""The member's name as it stands, or something escaped, which may be anything: objects without need no second look."""


@dataclass(frozen=True, slots=True)
class DataPoolReference:
    """The property ``property`` stands for the data pool ``id`` (opaque, mostly a UUID). A ``grant`` is never
    kept; ``to_modify`` tells whether there was one to modify the data pool.

    Its files are mounted at ``serviceexecution.contract.paths.data_pool_directory``.
    """

    property: str
    id: str
    to_modify: bool = False


def find_data_pools(files: Mapping[str, str], *, field: str = "spec.input") -> dict[str, DataPoolReference]:
    """Name → reference, for each property of a split input (name → valid JSON text) that is a data pool.

    These get no file. Other members, such as the ``grant`` token of newer clients, are dropped. Raises
    ``InputError`` when a reference has no usable ``id``, or a name that cannot be a mount's.
    """
    found: dict[str, DataPoolReference] = {}
    for name, text in files.items():
        if not text.lstrip(" \t\r\n").startswith("{") or not _MAY_HAVE_REF.search(text):
            continue
        value = skim(text)
        if not isinstance(value, dict):
            continue
        kind = value.get("ref")
        if not isinstance(kind, str) or kind.upper() != DATA_POOL_REFERENCE:
            continue
        path = f"{field}[{quoted(name)}]"
        identifier = value.get("id")
        if not isinstance(identifier, str) or not identifier.strip() or len(identifier) > _MAX_ID:
            raise InputError(
                f"{path}.id",
                f'The data pool {quoted(name)} needs an "id" that is a text of 1 to {_MAX_ID} characters.',
            )
        if has_half_a_pair(identifier):
            raise InputError(
                f"{path}.id",
                f"The data pool {quoted(name)} has half a surrogate pair in its id, which is no character; correct it.",
            )
        if ":" in name:
            raise InputError(
                path,
                f"The data pool {quoted(name)} has a ':' in its name, which Kubernetes forbids in a mount's "
                f"path; rename it.",
            )
        to_modify = asks_to_modify(value.get("grant"), identifier)
        found[name] = DataPoolReference(name, identifier, to_modify)
    return found


def file_properties(files: Mapping[str, str], pools: Mapping[str, DataPoolReference]) -> dict[str, str]:
    """The properties that become files: all but the data pools."""
    return {name: text for name, text in files.items() if name not in pools}
