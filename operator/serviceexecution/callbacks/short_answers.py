"""Connections that read little of what a receiver says: what decides about a callback stands at its beginning.

An HTTP parser takes any number of interim answers (1xx) before the one that counts, and all that one read brings in one
step of the event loop.
"""

import asyncio
from functools import partial
from typing import Final, cast

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from typing_extensions import override

MOST_BYTES: Final = 16 * 1024
"""Bytes of an answer with its head: some 20 ms of parsing when they are the shortest interim answers that there are."""


class TooMuchSaidError(aiohttp.ClientError):
    """The receiver has said much and given no answer that counts."""


class ShortAnswers(aiohttp.TCPConnector):
    """Makes one connection for each request, and takes the first bytes of its answer."""

    def __init__(self, resolver: AbstractResolver) -> None:
        super().__init__(resolver=resolver, use_dns_cache=False, force_close=True)
        # The library has no other place for it; tests/attacks/test_callback_floods.py tells when it is gone
        made = partial(_ShortAnswer, loop=asyncio.get_running_loop())
        self._factory = cast("partial[ResponseHandler]", made)


class _ShortAnswer(ResponseHandler):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._left = MOST_BYTES

    @override
    def data_received(self, data: bytes) -> None:
        """Parse what may still be read; an answer that is whole by then counts."""
        taken, self._left = data[: self._left], self._left - len(data)
        if taken:
            super().data_received(taken)
        if self._left < 0 and self.transport is not None:
            self.set_exception(TooMuchSaidError())
            self.transport.abort()
