"""Between the connection and those who answer: whether the client is still there, and whether it only waits."""

from collections.abc import Callable
from typing import Final

GONE: Final = "serviceexecution.gone"
"""The ASGI extension by which our protocol tells whether a request's client has closed its connection."""
HELD: Final = "serviceexecution.held"
"""The ASGI extension by which our protocol is told that a request waits for something and may be answered earlier."""
Held = Callable[[Callable[[], None] | None], None]
"""What that extension is: takes what ends the waiting, None when it has ended."""
