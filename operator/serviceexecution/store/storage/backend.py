"""Opens the object store below the results store, and words its errors."""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from serviceexecution.store.errors import (
    StoreConfigurationError,
    StoreConflictError,
    StoreError,
    StoreFullError,
    StoreUnwritableError,
)

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
_NO_SPACE: Final = (
    "No space left on device",
    "Disk quota exceeded",
    "os error 28",
    "os error 122",
    # As object stores that have an end say it
    "InsufficientStorage",
    "507 Insufficient Storage",
    "XMinioStorageFull",
    "QuotaExceeded",
)
_READ_ONLY: Final = ("Read-only file system", "os error 30")
_NO_BUCKET: Final = ("NoSuchBucket", "bucket does not exist", "ContainerNotFound", "container does not exist")
"""Object stores answer 404 to this as well, but no object is known to be missing then."""
_RETRIES: Final = 4
_RETRY_SECONDS: Final = 15
"""Whoever uses the store tries again by himself, and in between does other work. Obstore would take three minutes."""


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
        return from_url(  # type: ignore[call-overload,no-any-return]
            url,
            config=config or None,
            client_options=client_options or None,
            retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)},
        )
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
    except FileNotFoundError as error:
        if is_without_bucket(error):
            raise _as_store_error(what, error) from error
        raise
    except (BaseError, OSError) as error:
        raise _as_store_error(what, error) from error


class NothingWhenMissing:
    """As ``translated``; and the block ends without an error at an object that is missing, as long as not the whole
    store is.
    """

    def __init__(self, root: Path | None, what: str) -> None:
        """``root`` is the directory of a directory store."""
        self._root = root
        self._what = what

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def check(self) -> None:
        """Raise StoreError when a directory store has lost its directory."""
        if self._root is not None and not self._root.is_dir():
            raise StoreError(f"cannot {self._what}: the store's directory is gone")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """End it."""
        if isinstance(error, FileNotFoundError) and not is_without_bucket(error):
            self.check()
            return True
        if isinstance(error, BaseError | OSError):
            raise _as_store_error(self._what, error) from error
        return False


def _as_store_error(what: str, error: BaseError | OSError) -> StoreError:
    if isinstance(error, FileNotFoundError):
        return StoreError(f"cannot {what}: the bucket does not exist")
    if isinstance(error, TimeoutError):
        return StoreError(f"cannot {what}: the store does not answer")
    text, kind = str(error), StoreConflictError if isinstance(error, AlreadyExistsError) else StoreError
    if any(sign in text for sign in _NO_SPACE):
        kind = StoreFullError
    elif any(sign in text for sign in _READ_ONLY):
        kind = StoreUnwritableError
    return kind(f"cannot {what}: {first_line(error)}")


def is_without_bucket(error: FileNotFoundError) -> bool:
    """Tell whether not an object is missing but the bucket that it would be in."""
    return any(sign in str(error) for sign in _NO_BUCKET)


def first_line(error: BaseException) -> str:
    """Return the part of an obstore error that is meant for people; what follows is its debug dump."""
    return str(error).partition("\n")[0] or type(error).__name__
