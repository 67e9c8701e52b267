"""How long a client prefers to wait: ``Prefer: wait=N`` (RFC 7240). Pure."""

import re
from collections.abc import Sequence
from typing import Final

_WAIT: Final = re.compile(r"\s*wait\s*=\s*\"?([0-9]{1,9})\"?\s*(?:;.*)?", re.IGNORECASE)
_MOST_READ: Final = 1000
"""Characters of a header that are looked at."""


def preferred_wait(headers: Sequence[str]) -> int | None:
    """Return the seconds that the headers ``Prefer`` ask for, None when they ask for none.

    The first one counts (RFC 7240, section 2), and what cannot be read is left alone.
    """
    for header in headers:
        for preference in header[:_MOST_READ].split(","):
            found = _WAIT.fullmatch(preference)
            if found is not None:
                return int(found.group(1))
    return None
