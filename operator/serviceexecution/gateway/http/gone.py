"""Between the connection and what stands around all routes: whether the client is still there."""

from typing import Final

GONE: Final = "serviceexecution.gone"
"""The ASGI extension by which our protocol tells whether a request's client has closed its connection."""
