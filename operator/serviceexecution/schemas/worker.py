"""The process that checks: reads one request a line from standard input, answers each with one line.

A request is ``{"schema": {…}, "text": "…"}``; without ``text`` only the schema is looked at. An answer has
``faults`` or ``unusable``. The only argument is how many bytes of memory it may have; its time is limited by whoever
kills it.
"""

import json
import resource
import sys

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.schemas.rules import (
    ALL_FAULTS_BYTES,
    SchemaFault,
    SchemaUnusableError,
    compiled,
    faults,
)


def answer(request: JsonObject) -> JsonObject:
    """Return the answer to one request."""
    schema, text = request["schema"], request.get("text")
    if not isinstance(schema, dict):
        return {"unusable": "The schema is no object."}
    try:
        validator = compiled(schema)
    except SchemaUnusableError as error:
        return {"unusable": str(error)}
    if not isinstance(text, str):
        return {"faults": []}
    try:
        every = len(text) <= ALL_FAULTS_BYTES
        found = faults(validator, json.loads(text), every=every)
        if found:  # perhaps of a number such as 1e400, of which the validator makes null
            found = faults(validator, json.loads(text, parse_float=_finite), every=every)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        found = (SchemaFault("$", f"The value could not be checked: {type(error).__name__}."),)
    return {"faults": [[fault.path, fault.message] for fault in found]}


def _finite(text: str) -> float:
    """Return the number, the largest one for those beyond it."""
    largest = sys.float_info.max
    return min(max(float(text), -largest), largest)


def main() -> None:
    """Answer until standard input ends."""
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.set_int_max_str_digits(0)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(json.dumps(answer(json.loads(line))).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
