"""To whose account a request's work goes: first its address's, then its caller's, and what one asks about is a part."""

from dataclasses import replace
from typing import Final

from serviceexecution.fairness.payers import Payer, current_payer, pay_as

PATIENCE_SECONDS: Final = 10.0
"""How long a request waits for our budget of requests to the API server before it is told to come back: clients give up
soon after, and would ask again beside the one that still waits."""
_ACCOUNTS: Final = "system:serviceaccount:"


def stranger(address: str) -> Payer:
    """Return who pays before it is known who calls. All strangers together have one share beside callers and pods."""
    return Payer("strangers", address, patience=PATIENCE_SECONDS)


def caller_payer(username: str) -> Payer:
    """Return who pays for what a caller asks; the ServiceAccounts of a namespace are one, as anybody may make more."""
    name = username.rpartition(":")[0] if username.startswith(_ACCOUNTS) else username
    return Payer("callers", name, patience=PATIENCE_SECONDS)


def renewal(username: str) -> Payer:
    """Return who pays for asking again whether what was allowed still is: no flood of the caller's own may delay that,
    since what was said before counts meanwhile.
    """
    return replace(caller_payer(username), group="renewals")


def pay_as_pod(namespace: str) -> None:
    """Put the request of a collector or a build to its namespace's account, apart from what people ask there."""
    pay_as(Payer("pods", namespace, patience=PATIENCE_SECONDS))


def pay_for_namespace(namespace: str) -> None:
    """Make the namespace that the caller may ask about a part of the caller's account."""
    pay_as(replace(current_payer(), part=namespace))
