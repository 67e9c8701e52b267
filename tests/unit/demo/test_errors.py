"""Every wait of the demo has an end."""

import asyncio

import pytest

from demo.errors import DemoError, within


async def test_a_wait_that_is_too_long_says_what_did_not_happen() -> None:
    with pytest.raises(DemoError, match=r"^The pod did not go within 0 s; see: kubectl get pods$"):
        async with within(0, "The pod did not go", "kubectl get pods"):
            await asyncio.Event().wait()


async def test_a_wait_in_time_is_silent() -> None:
    async with within(60, "The pod did not go"):
        await asyncio.sleep(0)
