"""Opens the object store below the results store, and words its errors."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from serviceexecution.store.errors import StoreConfigurationError, StoreError, StoreFullError

_CLIENT_OPTIONS: Final = frozenset(
    {
        "allow_http",
        "allow_invalid_certificates",
        "connect_timeout",
        "http1_only",
        "http2_only",
        "pool_idle_timeout",
        "pool_max_idle_per_host",
        "proxy_ca_certificate",
        "proxy_excludes",
        "proxy_url",
        "timeout",
        "user_agent",
    }
)
_BOOLEANS: Final = {"true": True, "false": False}
_NO_SPACE: Final = ("No space left on device", "Disk quota exceeded", "os error 28", "os error 122")


def open_backend(url: str, options: Mapping[str, str]) -> ObjectStore:
    """Open "file:///directory" (made when missing), "memory:///", "s3://bucket/prefix", "gs://…" or "az://…".

    ``options`` are the store's own settings ("region", "endpoint", "account_name", …) and those of its HTTP client
    ("allow_http", "timeout", …). Credentials are found in the environment. Raises StoreConfigurationError.
    """
    scheme = url.partition("://")[0].lower()
    client_options: dict[str, str | bool] = {}
    config: dict[str, str] = {}
    for name, value in options.items():
        if name in _CLIENT_OPTIONS:  # Obstore aborts when it finds one of these among the store's settings
            client_options[name] = _BOOLEANS.get(value.lower(), value)
        else:
            config[name] = value
    if scheme in {"file", "memory"} and (config or client_options):
        raise StoreConfigurationError(f"a {scheme} store takes no option {', '.join(sorted(options))}")
    try:
        if scheme == "file":
            return from_url(url, mkdir=True, automatic_cleanup=True)
        if scheme == "memory":
            return from_url(url)
        # The arguments' types depend on the URL's scheme, which only obstore knows.
        return from_url(url, config=config or None, client_options=client_options or None)  # type: ignore[arg-type]
    except (BaseError, OSError, ValueError, TypeError) as error:
        raise StoreConfigurationError(f"the store cannot be opened: {first_line(error)}") from error


def local_root(backend: ObjectStore) -> Path | None:
    """Return the directory of a directory store, else None."""
    return Path(backend.prefix) if isinstance(backend, LocalStore) and backend.prefix is not None else None


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the backend's errors into StoreError, except FileNotFoundError; ``what`` names operation and key."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        text = str(error)
        kind = StoreFullError if any(sign in text for sign in _NO_SPACE) else StoreError
        raise kind(f"cannot {what}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """Return the part of an obstore error that is meant for people; what follows is its debug dump."""
    return str(error).partition("\n")[0] or type(error).__name__
