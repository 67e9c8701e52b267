"""Grants of data pools, as the platform's clients ask for one before they submit, and send it within the input. Pure.

A grant says what somebody wants to do with a data pool. It gives no right: those of the account that submits count. So
nothing signs it, and there is no key to be kept.
"""

import base64
import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from serviceexecution.contract.json_types import JsonObject, object_of

LIFETIME: Final = timedelta(minutes=15)
"""After which clients ask for another one."""
_PREFIX: Final = "sxg."
_LONGEST: Final = 1024


class GrantPermission(StrEnum):
    """What a grant is for."""

    VIEW = "VIEW"
    MODIFY = "MODIFY"


def pool_grant(pool_id: str, permission: GrantPermission, now: datetime) -> str:
    """Return a grant. What follows its dot is what clients read: a JSON object with the time at which it ends."""
    members: JsonObject = {
        "pool": pool_id,
        "permission": permission.value,
        "exp": int((now + LIFETIME).timestamp()),
    }
    text = json.dumps(members, separators=(",", ":")).encode()
    return f"{_PREFIX}{base64.urlsafe_b64encode(text).decode().rstrip('=')}"


def asks_to_modify(grant: object, pool_id: str) -> bool:
    """Tell whether it is a grant to modify this data pool; anything else asks for nothing."""
    if not isinstance(grant, str) or not grant.startswith(_PREFIX) or len(grant) > _LONGEST:
        return False
    text = grant.removeprefix(_PREFIX)
    try:
        members = object_of(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))
    except (ValueError, RecursionError):
        return False
    return members.get("pool") == pool_id and members.get("permission") == GrantPermission.MODIFY
