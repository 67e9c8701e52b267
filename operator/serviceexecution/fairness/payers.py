"""Who pays for what is asked of a shared budget: known at the edge, needed where the budget is."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose account a request is put to. Groups take turns, in a group the names, and of a name the parts.

    So nobody gets more by appearing under many parts: ``name`` is what one cannot choose as one likes.
    """

    group: str
    name: str = ""
    part: str = ""
    """A share of the name's own, such as the namespace that a caller asks about."""
    patience: float | None = None
    """Seconds after which it is better to be told no; None for work of our own, which is never refused."""

    @property
    def account(self) -> tuple[str, str]:
        """What is bounded for all its parts together."""
        return self.group, self.name

    @property
    def namespace(self) -> str:
        """The namespace that it is about, or else who it is."""
        return self.part or self.name


OWN_WORK: Final = Payer("own work")
"""Watches, sweeps, the resync: what is done for all."""
_PAYER: ContextVar[Payer] = ContextVar("payer", default=OWN_WORK)


def namespace_payer(namespace: str, *, patience: float | None = None) -> Payer:
    """Return who pays for work on an object of that namespace."""
    return Payer("namespaces", namespace, patience=patience)


def current_payer() -> Payer:
    """Return who pays for what the running task does."""
    return _PAYER.get()


def pay_as(payer: Payer) -> None:
    """Put what the running task does from now on, and tasks that it starts, to another account."""
    _PAYER.set(payer)


@contextlib.contextmanager
def paid_by(payer: Payer) -> Iterator[None]:
    """Put what is done inside to another account."""
    token = _PAYER.set(payer)
    try:
        yield
    finally:
        _PAYER.reset(token)
