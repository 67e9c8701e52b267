"""Base URLs of services end in no, one or more slashes, and clients add one of their own. Pure."""

import re
from typing import Final

_BEHIND_SERVICE: Final = re.compile(r"(/services/[^/]+/[^/]+)//+")


def with_one_slash(path: str) -> str:
    """Return the path with one slash behind a service's name in place of several.

    A redirect to it would turn a POST into a GET. Slashes further behind are part of a file's name.
    """
    return _BEHIND_SERVICE.sub(r"\1/", path, count=1) if path.startswith("/services/") else path
