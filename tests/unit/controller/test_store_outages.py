"""The operator's owner is told of a store that does not answer, and of its end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from serviceexecution.controller.health import Health, serve_health
from serviceexecution.controller.metrics import STORE_UNANSWERED
from serviceexecution.controller.store_outages import StoreOutages
from serviceexecution.store.errors import StoreError, StoreFullError
from serviceexecution.store.storage.answers import Answers
from tests.support.s3 import refuse, s3_server


class Events:
    def __init__(self) -> None:
        self.posted: list[tuple[str, str, str]] = []

    async def post(self, about: Any, *, type_: str, reason: str, message: str, occurrence: str) -> bool:
        self.posted.append((about.name, type_, reason))
        return True


def ask(answers: Answers, error: Exception | None) -> None:
    try:
        with answers.noted():
            if error is not None:
                raise error
    except (StoreError, FileNotFoundError):
        pass


async def test_an_outage_is_an_event_when_it_lasts_and_when_it_ends() -> None:
    async with s3_server() as server:
        store, events = server.store(), Events()
        outages = StoreOutages(store, events, lease_namespace="system", lease_name="controller")  # type: ignore[arg-type]
        await store.check()
        server.fault = refuse(403, "ExpiredToken")
        with pytest.raises(StoreError):
            await store.check()
        await outages.look()
        assert events.posted == [], "a request that was lost is no outage"
        store.answers._since = datetime.now(UTC) - timedelta(seconds=30)
        for _ in range(3):
            await outages.look()
        assert events.posted == [("controller", "Warning", "StoreUnavailable")]
        assert STORE_UNANSWERED._value.get() == pytest.approx(30, abs=5)
        server.fault = None
        await outages.look()  # Nobody else has asked since
        assert events.posted[1:] == [("controller", "Normal", "StoreAvailable")]
        assert STORE_UNANSWERED._value.get() == 0
        before = len(server.requests)
        await outages.look()
        assert len(server.requests) == before, "while it answers nothing is asked"


@pytest.mark.parametrize("answer", [None, FileNotFoundError(), StoreFullError("full")])
def test_what_is_missing_and_what_has_no_room_is_an_answer(answer: Exception | None) -> None:
    answers = Answers()
    ask(answers, StoreError("the store does not answer"))
    assert answers.away_seconds() > 0
    ask(answers, answer)
    assert answers.away_seconds() == 0


async def test_the_probe_says_that_the_store_is_away_and_passes() -> None:
    since = datetime(2026, 11, 28, 12, tzinfo=UTC)
    runner = await serve_health(Health(ready=True, store_away_since=lambda: since), 0)
    port = next(address[1] for address in runner.addresses if len(address) == 2)  # IPv6 has another port
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{port}/readyz")
    await runner.cleanup()
    assert (answer.status_code, answer.text) == (
        200,
        "ok. The results store has not answered since 2026-11-28T12:00:00Z.\n",
    )


async def test_questions_to_a_real_store_are_noted() -> None:
    async with s3_server() as server:
        store = server.store()
        await store.check()
        server.fault = refuse(403, "AccessDenied")
        with pytest.raises(StoreError):
            await store.check()
        assert store.answers.away_seconds() > 0
        server.fault = None
        await store.check()
        assert store.answers.away_seconds() == 0
