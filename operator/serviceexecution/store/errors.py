"""What can go wrong in the results store."""


class StoreError(Exception):
    """A store operation failed; the message names the operation and the key, never credentials.

    ``retriable`` tells whether the same call may succeed later.
    """

    retriable = True


class StoreFullError(StoreError):
    """No space is left, or a quota is used up."""


class StoreUnwritableError(StoreError):
    """The store can be read, but not written: it is full, or read-only."""


class StoreConflictError(StoreError):
    """An object is in the way of another one, since the server keeps them as files and directories."""


class StoreConfigurationError(StoreError):
    """The store's URL or options are wrong."""

    retriable = False


class InvalidOutputPathError(ValueError):
    """A path that names no file below an output directory."""


class CorruptRecordError(StoreError):
    """A commit record exists but cannot be read."""

    retriable = False


class SourceMismatchError(ValueError):
    """An archive is not the one that its digest names."""
