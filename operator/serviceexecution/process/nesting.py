"""Objects of the API nested as deep as the API server takes them, which is ten times deeper than Python's default."""

import resource
import sys
import threading
from typing import Final

LEVELS: Final = 12_000
"""How deep json.loads goes: the API server takes objects of 10,000 levels, a list and a watch add three, and we call
from a depth of some hundred."""
STACK_BYTES: Final = 16 * 1024**2
"""The stack of each thread: parsing and writing of 12,000 levels take less than 6 MiB. It is memory only when used."""


def take_deep_objects() -> None:
    """Let this process parse every object that the API server has, in all threads that are started from now on.

    One tenant's object must not end each list and each watch of everybody. What is too deep for us is then refused by
    the models, object by object. Kopf parses its own watches, so the limit is the process's.
    """
    threading.stack_size(STACK_BYTES)
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if soft != resource.RLIM_INFINITY and soft < STACK_BYTES:
        most = STACK_BYTES if hard == resource.RLIM_INFINITY else min(STACK_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_STACK, (most, hard))  # The main thread's stack grows up to that
    sys.setrecursionlimit(LEVELS)
