"""How soon the event loop gets the interpreter back from a thread that computes."""

import sys
from typing import Final

SWITCH_SECONDS: Final = 0.0001
"""A fiftieth of Python's own. The event loop waits so long after each look at its sockets while a thread computes: a
request takes dozens of such looks. It costs nothing while no thread computes."""


def switch_often() -> None:
    """Let the event loop of this process go before the threads beside it."""
    sys.setswitchinterval(SWITCH_SECONDS)
