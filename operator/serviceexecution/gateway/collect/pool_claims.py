"""What a collector says of data pools in which its program has changed something. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, objects_of, text_of
from serviceexecution.resources.meaning import one_line

NOT_KEPT: Final = "NotKept"
LONGEST_MESSAGE: Final = 1000
_MOST: Final = 128
_INDEX: Final = re.compile("[0-9a-f]{64}")
_REASON: Final = re.compile("[A-Z][A-Za-z]{0,62}")


@dataclass(frozen=True, slots=True)
class PoolClaim:
    """A changed state that was put together, or why there is none."""

    index: str = ""
    reason: str = ""
    message: str = ""


def pool_claims(value: JsonValue) -> dict[str, PoolClaim]:
    """Return what is said of data pools, by property; what cannot be understood is a change that is not kept."""
    return {text_of(one.get("property")): _claim(one) for one in objects_of(value)[:_MOST]}


def _claim(members: JsonObject) -> PoolClaim:
    index, reason = text_of(members.get("index")), text_of(members.get("reason"))
    if _INDEX.fullmatch(index):
        return PoolClaim(index)
    message = one_line(text_of(members.get("message")), LONGEST_MESSAGE)
    return PoolClaim(reason=reason if _REASON.fullmatch(reason) else NOT_KEPT, message=message)
