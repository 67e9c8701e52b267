"""Which revision to go back to, and waiting until it serves."""

import time
from collections.abc import Callable
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.summaries import ServiceSummary

_WAIT_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.3


def chosen_revision(service: ServiceSummary, wanted: str) -> str:
    """Return the revision to serve: ``wanted``, else the good one before the one that serves. Pure.

    Raises CommandError when there is none or it was not built.
    """
    see = f"see them with: sx builds {service.name}"
    if wanted:
        found = service.find(wanted)
        if found is None:
            raise CommandError(f"{service.name} has no revision {wanted}; {see}")
        if found.phase != "Succeeded":
            raise CommandError(f"{wanted} cannot serve, its build is {found.phase}; {see}")
        return wanted
    number = _number(service.serving)
    earlier = [
        one.name
        for one in service.revisions
        if one.phase == "Succeeded" and number is not None and (_number(one.name) or 0) < number
    ]
    if not earlier:
        raise CommandError(
            f"{service.name} has no good revision before {service.serving or 'the first'}; {see}"
        )
    return max(earlier, key=lambda name: _number(name) or 0)


def wait_until_serving(
    look: Callable[[], ServiceSummary], target: str | None, *, seconds: float = _WAIT_SECONDS
) -> ServiceSummary:
    """Return the service once it serves ``target``, or for None once the operator has seen the change.

    Raises CommandError when the operator does not follow.
    """
    end = time.monotonic() + seconds
    while True:
        view = look()
        if view.is_current and (target is None or view.serving == target):
            return view
        if time.monotonic() >= end:
            raise CommandError(
                f"The operator has not switched {view.name} yet; see it with: sx builds {view.name}"
            )
        time.sleep(_LOOK_SECONDS)


def _number(revision: str) -> int | None:
    digits = revision.removeprefix("r")
    return int(digits) if digits.isascii() and digits.isdecimal() else None
