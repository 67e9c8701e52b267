"""Where each input property goes in the ConfigMap that carries the files into the pod."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.paths import property_file

_LEGAL_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}\Z")
_HASH_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class ConfigMapEntry:
    """One file: ``key`` and ``text`` in the ConfigMap's ``data``, ``path`` for the volume's ``items``."""

    key: str
    path: str
    text: str


def configmap_keys(properties: Mapping[str, str]) -> tuple[ConfigMapEntry, ...]:
    """One entry per property (name → JSON text, already checked), sorted by name, so that the same input
    gives the same pod.

    A name that is a legal ConfigMap key ("[-._a-zA-Z0-9]+", at most 253) is its own key; any other gets
    ``property-<hash of the name>``, which does not depend on the other properties.
    """
    taken = {name for name in properties if _LEGAL_KEY.match(name)}
    entries: list[ConfigMapEntry] = []
    for name in sorted(properties):
        key = name
        if name not in taken:
            key = _key_for(name)
            while key in taken:  # A user may name a property like one of our hashes
                key = _key_for(key + name)
            taken.add(key)
        entries.append(ConfigMapEntry(key, property_file(name), properties[name]))
    return tuple(entries)


def _key_for(text: str) -> str:
    return f"property-{hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]}"
