"""A test event for a receiver of callbacks, signed as the operator signs them, and what its answer means."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from serviceexecution.callbacks.allow_list import Target
from serviceexecution.callbacks.event import body_of, signed_headers
from serviceexecution.callbacks.sender import Answer, Sender
from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.json_types import JsonObject

TEST_TYPE: Final = "dev.serviceexecution.callback.test.v1"
_MEANINGS: Final = {
    401: "It refuses the signature: does it know the same key, and does it verify the bytes as they came?",
    403: "It refuses the signature: does it know the same key, and does it verify the bytes as they came?",
    404: "There is nothing at this path.",
    405: "It takes no POST at this path.",
    413: "It takes no body of this size, which is less than 1 KiB.",
    415: "It takes no application/cloudevents+json.",
    429: "It is asked too often; the operator would ask again, and waits as long as Retry-After says.",
}


@dataclass(frozen=True)
class Trial:
    """What became of the events."""

    answer: Answer
    """To the event that is signed."""
    forged: Answer | None = None
    """To one whose signature is wrong; None when it was not sent."""

    @property
    def accepted(self) -> bool:
        return not self.answer.problem

    @property
    def verifies(self) -> bool | None:
        """Whether the receiver tells the two apart; None when that is not known."""
        if not self.accepted or self.forged is None:
            return None
        return bool(self.forged.problem)

    def sentences(self) -> list[str]:
        """Return what a person is to know."""
        if not self.accepted:
            meaning = _MEANINGS.get(self.answer.status, "")
            again = "" if self.answer.final else "The operator would send the event again."
            return [text for text in (self.answer.problem, meaning, again) if text]
        said = ["The receiver accepted the signed event."]
        if self.verifies is False:
            said.append(
                "It also accepted one with a wrong signature: it does not verify them, "
                "and anybody who can reach it can tell it what they like."
            )
        elif self.verifies:
            said.append("It refused one with a wrong signature, as it should.")
        return said


def trial_event(now: datetime) -> JsonObject:
    """Return the event: of a type of its own, so that no receiver takes it for the end of an execution."""
    identifier = str(uuid.uuid4())
    return {
        "specversion": "1.0",
        "type": TEST_TYPE,
        "source": "/sx/callback-test",
        "id": identifier,
        "subject": identifier,
        "time": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "datacontenttype": "application/json",
        "data": {"message": "This is a test. No execution has ended."},
    }


def check_url(url: str) -> None:
    """Raise CommandError for what no event can be sent to."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise CommandError(
            f"{url} is no address of a receiver: give one such as https://hooks.example.com/done."
        )


async def try_receiver(url: str, key: bytes, *, forge: bool, seconds: float = 10.0) -> Trial:
    """Send the event, and with ``forge`` another one with a wrong signature.

    It goes to any address: a person asks for it, with no more rights than their own.
    """
    target = Target(url, urlsplit(url).hostname or "", exact=True)
    sender = Sender(rule=_anywhere, seconds=seconds)
    answer = await _send(sender, target, key, forged=False)
    if answer.problem or not forge:
        return Trial(answer)
    return Trial(answer, await _send(sender, target, key, forged=True))


def _anywhere(_address: str, _exact: bool) -> bool:
    return True


async def _send(sender: Sender, target: Target, key: bytes, *, forged: bool) -> Answer:
    now = datetime.now(UTC)
    event = trial_event(now)
    body = body_of(event)
    signed_with = uuid.uuid4().bytes if forged else key
    return await sender.send(target, body, signed_headers(signed_with, str(event["id"]), body, now))
