"""Sends one event once, to a receiver that may be away, slow or lying."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver

from serviceexecution.callbacks.addresses import (
    AddressRule,
    CheckedResolver,
    RefusedAddressError,
    check_literal,
    may_connect,
)
from serviceexecution.callbacks.allow_list import Target
from serviceexecution.callbacks.event import MEDIA_TYPE
from serviceexecution.callbacks.lookups import Lookups
from serviceexecution.callbacks.short_answers import MOST_BYTES, ShortAnswers, TooMuchSaidError

TRY_SECONDS: Final = 10.0
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one try. ``problem`` "" means accepted; ``retry_after`` is in seconds, as the receiver asked."""

    problem: str = ""
    final: bool = False
    """Trying again is of no use."""
    retry_after: float | None = None
    status: int = 0
    """Status of a refusal; 0 when it was accepted or nobody answered."""


class Sender:
    """Posts events: no redirects, no proxies, no cookies, no more than ``seconds`` for a try."""

    def __init__(
        self,
        *,
        rule: AddressRule = may_connect,
        resolver: AbstractResolver | None = None,
        seconds: float = TRY_SECONDS,
    ) -> None:
        self._rule = rule
        self._resolver = resolver
        self._seconds = seconds
        self._lookups = Lookups()

    async def send(self, target: Target, body: bytes, headers: dict[str, str], *, payer: str = "") -> Answer:
        """Send once. The status line and headers decide; what a receiver says after them is not read.

        ``payer`` is the namespace whose share of lookups this takes.
        """
        try:
            check_literal(target.host, self._rule, exact=target.exact)
            async with asyncio.timeout(self._seconds):
                return await self._post(target, body, headers, payer)
        except RefusedAddressError as error:
            return Answer(f"{error}.", final=False)
        except TimeoutError:
            return Answer(f"The receiver did not answer within {self._seconds:g} s.")
        except TooMuchSaidError:
            return Answer(f"The receiver sent {MOST_BYTES // 1024} KiB without an answer that counts.")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = error.__cause__ if isinstance(error.__cause__, RefusedAddressError) else None
            return Answer(f"{cause or type(error).__name__}: the receiver could not be reached.")

    async def _post(self, target: Target, body: bytes, headers: dict[str, str], payer: str) -> Answer:
        inner = self._resolver or self._lookups.of(payer)
        connector = ShortAnswers(CheckedResolver(self._rule, exact=target.exact, inner=inner))
        async with aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_field_size=MOST_BYTES,
        ) as session:
            response = await session.post(
                target.url,
                data=body,
                headers={"Content-Type": MEDIA_TYPE, "User-Agent": "serviceexecution-callback", **headers},
                allow_redirects=False,
            )
            response.close()  # The rest may be endless
            return _judge(response.status, response.headers.get("Retry-After"))


def _judge(status: int, retry_after: str | None) -> Answer:
    if 200 <= status < 300:
        return Answer()
    if status == _GONE:
        return Answer("The receiver answered 410: it is gone for good.", final=True, status=status)
    if 300 <= status < 400:
        return Answer(f"The receiver answered {status}; redirects are not followed.", status=status)
    return Answer(f"The receiver answered {status}.", retry_after=_seconds(retry_after), status=status)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return None
