"""What one word of a closed list of reasons means: a sentence, and whose turn it is."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_MOST_DETAIL: Final = 2000
_UNSAYABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, which a terminal obeys, and halves of surrogate pairs, which no status can hold."""


class Owner(StrEnum):
    """Who can change what the reason tells."""

    USER = "user"
    IMAGE = "image"
    PLATFORM = "platform"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason says: one sentence, and who can act on it."""

    sentence: str
    owner: Owner

    def said(self, detail: str = "") -> str:
        """Return the sentence, followed by what is particular to this case, in one line."""
        detail = one_line(detail)
        return f"{self.sentence} {detail}" if detail else self.sentence


def one_line(text: str, most: int = _MOST_DETAIL) -> str:
    """Return ``text`` in one line of at most ``most`` characters, all of which can be shown.

    Programs word some of what is said.
    """
    return _UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split())[:most])
