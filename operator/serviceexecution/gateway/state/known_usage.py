"""What an execution has used, in few bytes: a gateway remembers a hundred thousand. Pure."""

import struct
from typing import Final

from serviceexecution.contract.json_types import JsonObject

_PACKED: Final = struct.Struct("<dqqq?")
_UNKNOWN: Final = -1
_MOST: Final = 2**63 - 1


def packed_usage(usage: JsonObject) -> bytes | None:
    """Return what a status says of usage, None when it says nothing."""
    numbers = [
        _number(usage.get(name)) for name in ("cpuSeconds", "memoryPeakBytes", "readBytes", "writtenBytes")
    ]
    if all(number == _UNKNOWN for number in numbers):
        return None
    return _PACKED.pack(numbers[0], *map(int, numbers[1:]), usage.get("complete") is True)


def usage_document(packed: bytes | None) -> JsonObject | None:
    """Return the usage as the APIs show it; what is not known is left out."""
    if packed is None:
        return None
    cpu, peak, read, written, complete = _PACKED.unpack(packed)
    numbers = {"cpuSeconds": cpu, "memoryPeakBytes": peak, "readBytes": read, "writtenBytes": written}
    return {**{name: value for name, value in numbers.items() if value >= 0}, "complete": complete}


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _MOST:
        return _UNKNOWN
    return value
