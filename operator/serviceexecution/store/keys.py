"""Where things are in the store: keys that every object store and file system keeps as they are.

An output's path may hold anything that a Linux file name may. Bytes that some store treats specially (control
characters, "#1" at the end in a directory, "%", "?", non-ASCII letters that some file systems normalise,
a leading dot) are written as "!" and two hexadecimal digits; what gets too long is named by its SHA-256. Both
keep different paths apart, and the manifest has the true names.
"""

import hashlib
import re
from typing import Final

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import InvalidOutputPathError, StoreConfigurationError

MAX_PATH_BYTES: Final = 4096
"""Longest path below the output directory, in UTF-8 (the kernel's PATH_MAX)."""
MAX_PART_BYTES: Final = 255
"""Longest file or directory name (the kernel's NAME_MAX)."""
MAX_PARTS: Final = 128

_MAX_ENCODED_PART: Final = 200  # Leaves room for the suffix of a local store's staging file
_MAX_ENCODED_PATH: Final = 700  # S3, GCS and Azure keep 1,024 bytes, prefix included
_MAX_ENCODED_PARTS: Final = 64  # Azure allows 254 in a key
_SEGMENT: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_SAFE: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+,@"
_UNSAFE: Final = re.compile(b"[^%s]" % re.escape(_SAFE))

TOMBSTONES: Final = "!tombstones"
"""Beside the namespaces; no namespace has such a name."""

EXPIRIES: Final = "!expiries"
"""As the tombstones."""

SOURCES: Final = "!sources"
"""As the tombstones: archives that services are built from, by namespace and SHA-256."""

POOLS: Final = "!pools"
"""As the tombstones: content and indexes of data pools, by namespace and uid."""

USAGE: Final = "!usage"
"""As the tombstones: what services have used, by namespace, service and month."""


def check_output_path(path: str) -> None:
    """Raise InvalidOutputPathError unless ``path`` is relative, normal and short enough: "a/b.json"."""
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        raise InvalidOutputPathError("the path is not valid UTF-8") from None
    if not raw:
        raise InvalidOutputPathError("the path is empty")
    if len(raw) > MAX_PATH_BYTES:
        raise InvalidOutputPathError(f"the path is longer than {MAX_PATH_BYTES} bytes")
    if b"\0" in raw:
        raise InvalidOutputPathError("the path holds a NUL character")
    parts = raw.split(b"/")
    if len(parts) > MAX_PARTS:
        raise InvalidOutputPathError(f"the path is nested deeper than {MAX_PARTS} levels")
    for part in parts:
        if part in {b"", b".", b".."}:
            raise InvalidOutputPathError('the path holds an empty part, "." or ".."')
        if len(part) > MAX_PART_BYTES:
            raise InvalidOutputPathError(f"a name in the path is longer than {MAX_PART_BYTES} bytes")


def encode_output_path(path: str) -> str:
    """Return the key of an output path below its output prefix; different paths have different keys.

    Raises InvalidOutputPathError.
    """
    check_output_path(path)
    parts = [_encode_part(part) for part in path.encode().split(b"/")]
    encoded = "/".join(parts)
    if len(encoded) > _MAX_ENCODED_PATH or len(parts) > _MAX_ENCODED_PARTS:
        return _hashed(path.encode())
    return encoded


def _encode_part(part: bytes) -> str:
    unsafe = part.translate(None, _SAFE)  # Many times faster than to look for one
    encoded = (_UNSAFE.sub(_escaped, part) if unsafe else part).decode("ascii")
    if encoded.startswith("."):
        encoded = "!2E" + encoded[1:]
    return encoded if len(encoded) <= _MAX_ENCODED_PART else _hashed(part)


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"!%02X" % ord(found[0])


def _hashed(name: bytes) -> str:
    return f"!!{hashlib.sha256(name).hexdigest()}"  # "!!" cannot come from the encoding


def check_segment(value: str, what: str) -> str:
    """Return ``value`` when it can stand in a key as it is; raises StoreConfigurationError."""
    if not _SEGMENT.fullmatch(value):
        raise StoreConfigurationError(f"{what} {value!r} must be letters, digits, '-', '_' and '.'")
    return value


def attempt_in_name(name: str) -> int:
    """Return the attempt whose output or log has that name below an execution's root; 0 for anything else."""
    kind, _, number = name.partition("-")
    if kind not in {"output", "log"} or not ((number.isascii() and number.isdecimal()) or not number):
        return 0
    return int(number or 1)


class ExecutionKeys:
    """The keys of one execution. A later attempt has its own output and log, so that the committed result of
    an earlier one stays whole until it is replaced."""

    __slots__ = ("_attempt", "root")

    def __init__(self, cluster_id: str, namespace: str, uid: str, attempt: int = 1) -> None:
        if attempt < 1:
            raise StoreConfigurationError(f"attempt {attempt} must be at least 1")
        self.root = f"{cluster_id}/{check_segment(namespace, 'namespace')}/{check_segment(uid, 'uid')}"
        self._attempt = attempt

    @classmethod
    def of(cls, cluster_id: str, reference: ExecutionReference, attempt: int = 1) -> "ExecutionKeys":
        """Return the keys of the execution's attempt."""
        return cls(cluster_id, reference.namespace, reference.uid, attempt)

    @property
    def output_prefix(self) -> str:
        """Prefix of the attempt's output files."""
        return f"{self.root}/{self._of_attempt('output')}"

    def output(self, path: str) -> str:
        """Key of one output file; raises InvalidOutputPathError."""
        return f"{self.output_prefix}/{encode_output_path(path)}"

    @property
    def log_prefix(self) -> str:
        """Prefix of the attempt's log chunks."""
        return f"{self.root}/{self._of_attempt('log')}"

    def log_chunk(self, sequence: int) -> str:
        """Key of one log chunk; chunks are counted from 1."""
        if not 1 <= sequence <= 99_999_999:
            raise StoreConfigurationError(f"log chunk {sequence} is out of range")
        return f"{self.log_prefix}/{sequence:08d}"

    @property
    def manifest(self) -> str:
        """Key of the output's commit record."""
        return f"{self.root}/manifest.json"

    @property
    def log_record(self) -> str:
        """Key of the log's commit record."""
        return f"{self.root}/log.json"

    @property
    def stdout_result(self) -> str:
        """Key of the main result that the program printed."""
        return f"{self.root}/stdout-result.json"

    @property
    def usage_series(self) -> str:
        """Key of what the run has used over time."""
        return f"{self.root}/usage.json"

    @property
    def build_report(self) -> str:
        """Key of what a build's pod reported."""
        return f"{self.root}/build.json"

    @property
    def dead_letter(self) -> str:
        """Key of the callback's event that could not be delivered."""
        return f"{self.root}/callback-undelivered.json"

    def _of_attempt(self, name: str) -> str:
        return name if self._attempt == 1 else f"{name}-{self._attempt}"
