"""What to say of a request that had no answer. Pure."""

import httpx


def where_and_why(error: Exception) -> str:
    """Return what stands behind "cannot be reached": the address that was asked, without its path, and the reason."""
    why = str(error) or type(error).__name__
    try:
        url = error.request.url if isinstance(error, httpx.RequestError) else None
    except RuntimeError:  # It failed before it was a request
        url = None
    return f": {why}" if url is None else f" at {url.scheme}://{url.netloc.decode()}: {why}"
