"""Between the connection and those who answer: whether the client is still there, whether it only waits, and whether
its answer cannot go on.
"""

from collections.abc import Callable
from typing import Final

GONE: Final = "serviceexecution.gone"
"""The ASGI extension by which our protocol tells whether a request's client has closed its connection."""
HELD: Final = "serviceexecution.held"
"""The ASGI extension by which our protocol is told that a request waits for something and may be answered earlier."""
Held = Callable[[Callable[[], None] | None], None]
"""What that extension is: takes what ends the waiting, None when it has ended."""


class CutAnswerError(Exception):
    """The rest of an answer that has begun cannot be sent; it has been logged. Its connection is closed."""
