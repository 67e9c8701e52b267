"""How much data pools may hold, and the answers beyond it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from serviceexecution.contract.quantities import format_quantity
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.store.pools.records import PoolFile, PoolIndex


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """The most of files and bytes."""

    file_bytes: int
    pool_bytes: int
    pool_files: int
    namespace_bytes: int

    @classmethod
    def of(cls, settings: GatewaySettings) -> Self:
        """Return the limits of this installation."""
        return cls(
            file_bytes=settings.pool_file_limit,
            pool_bytes=settings.pool_limit,
            pool_files=settings.pool_files,
            namespace_bytes=settings.namespace_pools_limit,
        )

    def check_file(self, size: int) -> None:
        """Raise Problem 413 for a file that is too large."""
        if size > self.file_bytes:
            raise _too_large("DataPoolFileTooLarge", "A file of a data pool may have", self.file_bytes)

    def check_room(self, before: PoolIndex, old: PoolFile | None, size: int) -> None:
        """Raise Problem 413 when a file of at least ``size`` bytes in place of ``old`` cannot fit."""
        if old is None and before.files >= self.pool_files:
            raise self.too_many_files()
        more = size - (0 if old is None else old.size)
        if more > 0 and before.bytes + more > self.pool_bytes:
            raise self.pool_too_large()

    def check_pool(self, before: PoolIndex, after: PoolIndex, others: int) -> None:
        """Raise Problem 413 for a state that a data pool may not have.

        What becomes smaller is always allowed. ``others`` are the bytes of the namespace's other data pools.
        """
        if after.files > max(self.pool_files, before.files):
            raise self.too_many_files()
        if after.bytes <= before.bytes:
            return
        if after.bytes > self.pool_bytes:
            raise self.pool_too_large()
        if after.bytes + others > self.namespace_bytes:
            raise _too_large(
                "DataPoolsTooLarge", "The data pools of a namespace may have", self.namespace_bytes
            )

    def too_many_files(self) -> Problem:
        """Return the refusal of more files."""
        return Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "TooManyFiles",
            f"A data pool may have {self.pool_files:,} files; pack them, or delete some.",
            members={"limit": self.pool_files},
        )

    def pool_too_large(self) -> Problem:
        """Return the refusal of more bytes."""
        return _too_large("DataPoolTooLarge", "The files of a data pool may have", self.pool_bytes)


def _too_large(code: str, begin: str, limit: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        code,
        f"{begin} {format_quantity(limit)} bytes.",
        members={"limit": limit},
    )
