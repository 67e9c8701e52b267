"""What can go wrong when speaking to the Kubernetes API."""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing_extensions import override
else:  # Help of sx is to come at once, and this package takes a tenth of its time

    def override(method: object) -> object:
        return method


_LACKS_RIGHT: Final = re.compile(r'is forbidden: User "[^"]*" cannot ')
"""An authorizer's words. Admission (quotas, policies, Pod Security) answers 403 in others: that refuses the object."""

_TOO_LARGE: Final = re.compile(
    r"etcdserver: request is too large|trying to send message larger than max|[Rr]equest entity too large"
    r"|(?:metadata\.annotations|data): Too long"
)

_LONGEST_SHOWN: Final = 80
"""Characters of an impossible name in a message: a name of 63 is shown whole, a megabyte is not."""


class KubernetesError(Exception):
    """A request that the API server refused or that did not reach it.

    ``status`` is the HTTP status code, or None when there was no answer; ``reason`` is the machine-readable
    reason of the API's Status object ("AlreadyExists", "Forbidden", ...), or "". ``retry_after`` is the
    time in seconds for which the API server asked to be left alone, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        reason: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after

    @property
    def retriable(self) -> bool:
        """Tell whether the same request may succeed later: the fault is not in what was asked for."""
        if self.is_too_large:
            return False
        return self.status is None or self.status in {408, 429} or self.status >= 500 or self.lacks_right

    @property
    def is_too_large(self) -> bool:
        """Tell whether the object is larger than the API server or its etcd takes, which etcd says with a 500."""
        return self.status is not None and _TOO_LARGE.search(str(self)) is not None

    @property
    def lacks_right(self) -> bool:
        """Tell whether we have no right to ask for that.

        An API server that has just started and has not read all roles yet says the same.
        """
        return self.status == 403 and _LACKS_RIGHT.search(str(self)) is not None


class ImpossibleNameError(KubernetesError):
    """No object can have this name, so there is none: not found, without having been asked for.

    A kind of 404, so that whoever copes with an object that is gone copes with this too, and nobody tries again.
    """

    def __init__(self, name: str) -> None:
        shown = name if len(name) <= _LONGEST_SHOWN else name[:_LONGEST_SHOWN] + "…"
        super().__init__(f"{shown!a} is not a name that an object can have", status=404, reason="NotFound")


class KubeconfigError(KubernetesError):
    """There is no usable configuration, or it gives no credentials; nothing was sent."""

    @property
    @override
    def retriable(self) -> bool:
        """Return False: somebody has to put the configuration right."""
        return False


class AlreadyExistsError(KubernetesError):
    """An object of that name exists (409 AlreadyExists)."""


class ConflictError(KubernetesError):
    """The object changed since it was read (409 Conflict)."""


class GoneError(KubernetesError):
    """A watch's resource version is too old (410): list again."""


class BudgetSpentError(KubernetesError):
    """The request was not sent: too much of the same payer waits for our own budget of requests."""

    def __init__(self, *, retry_after: float) -> None:
        super().__init__(
            "too many requests of one caller or namespace wait for the Kubernetes API",
            status=429,
            retry_after=retry_after,
        )


class HistoryError(Exception):
    """The API server has an older state than before, as after a restore of etcd from an older snapshot."""

    def __init__(self, what: str, before: int, now: int) -> None:
        super().__init__(
            f"the API server has gone back to an older state, as after a restore of etcd: {what} were at "
            f"resource version {before}, and are at {now}"
        )
