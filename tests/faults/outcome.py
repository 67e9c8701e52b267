"""How a run has ended, without what differs from run to run: times, versions, and marks of what was done twice."""

import json
import re
from typing import Any, Final

import obstore

from serviceexecution.resources.names import ANNOTATION_RUN_SECRET_UID, API_GROUP
from tests.faults.installation import Installation

_TIME: Final = re.compile(r"\d{4}-?\d\d-?\d\dT\d\d:?\d\d:?\d\d(\.\d+)?(Z|\+00:00)?")
_POD: Final = re.compile(r"(-[0-9a-f]{8}-\d)-\d+\b")
_UID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIMES: Final = frozenset({"usage", "duration"})
"""Members of a status that say how long something took."""
_DATED: Final = "/!expiries/"
"""Of several notes about until when results are kept, the latest counts."""
_METADATA: Final = ("labels", "annotations", "ownerReferences")
_PASSING: Final = (ANNOTATION_RUN_SECRET_UID, f"{API_GROUP}/reused")
"""Annotations of what was made by a try that was repeated."""


async def outcome_of(one: Installation) -> dict[str, Any]:
    """Return objects, store and programs, to be compared with those of another run."""
    objects = {
        f"{plural} {name}": _object(body)
        for (plural, _, name), body in sorted(one.server.objects.items(), key=lambda item: str(item[0]))
        if plural not in {"events", "leases"}
    }
    stored: dict[str, list[str]] = {}
    for batch in obstore.list(one.backend):
        for meta in batch:
            data = bytes(obstore.get(one.backend, meta["path"]).bytes())
            found = stored.setdefault(_plain(meta["path"]), [])
            text = _plain(data.decode(errors="replace"))
            if text not in found or _DATED not in meta["path"]:
                found.append(text)
    return {
        "objects": objects,
        "store": stored,
        "programs": {_plain(name): count for name, count in one.kubelet.started.items()},
        "callbacks": sorted({_plain(body.decode()) for body in one.receiver.received}),
    }


def differences(plain: Any, other: Any, place: str = "") -> list[str]:
    """Return what differs, place by place."""
    if isinstance(plain, dict) and isinstance(other, dict):
        return [
            text
            for name in sorted({*plain, *other})
            for text in differences(plain.get(name), other.get(name), f"{place}/{name}")
        ]
    if isinstance(plain, list) and isinstance(other, list) and len(plain) == len(other):
        return [
            text
            for number, (a, b) in enumerate(zip(plain, other, strict=True))
            for text in differences(a, b, f"{place}/{number}")
        ]
    return [] if plain == other else [f"{place}: {_short(plain)} became {_short(other)}"]


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) < 300 else f"{text[:300]}…"


def _object(body: Any) -> Any:
    metadata = {name: body["metadata"][name] for name in _METADATA if name in body["metadata"]}
    metadata["annotations"] = {
        name: value for name, value in (metadata.get("annotations") or {}).items() if name not in _PASSING
    }
    rest = {name: value for name, value in body.items() if name != "metadata"}
    if rest.get("status"):
        rest["status"] = {name: value for name, value in rest["status"].items() if name not in _TIMES}
    return json.loads(_plain(json.dumps({"metadata": metadata, **rest}, default=str)))


def _plain(text: str) -> str:
    return _UID.sub("UID", _POD.sub(r"\1-POD", _TIME.sub("TIME", text)))
