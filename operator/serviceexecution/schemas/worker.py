"""The process that checks: reads requests from standard input, answers each with one line.

A request is a line with a number, a line with the schema, and so many bytes of JSON text; without a number there is no
text, and only the schema is looked at. An answer has ``faults`` or ``unusable``. In place of the schema may stand the
word ``openapi``, or ``openapi-with-output``: the text is an OpenAPI text, and the answer has its schemas, ``input`` and
``output``, which can be used, or null. The first argument is how many bytes of memory it may have; its time is limited
by whoever kills it. With the second, ``masked``, faults repeat no part of the text but names.
"""

import json
import os
import resource
import sys
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.contract.openapi.service_schemas import OpenApiError, OpenApiText
from serviceexecution.schemas.rules import (
    ALL_FAULTS_BYTES,
    MASKED,
    SchemaFault,
    SchemaUnusableError,
    compiled,
    faults,
)

OPENAPI: Final = b"openapi"
OPENAPI_WITH_OUTPUT: Final = b"openapi-with-output"
_MASK: Final = "its value"
_NICENESS: Final = 10
"""A check that computes for seconds takes what the process that asks, and serves everybody, leaves of the processor."""


def answer(schema: JsonValue, text: str | None, mask: str | None = None) -> JsonObject:
    """Return the answer to one request."""
    if not isinstance(schema, dict):
        return {"unusable": "The schema is no object."}
    try:
        validator = compiled(schema, mask=mask)
    except SchemaUnusableError as error:
        return {"unusable": str(error)}
    if text is None:
        return {"faults": []}
    try:
        every = len(text) <= ALL_FAULTS_BYTES
        found = faults(validator, json.loads(text), every=every)
        if found:  # Perhaps of a number such as 1e400, of which the validator makes null
            found = faults(validator, json.loads(text, parse_float=_finite), every=every)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        found = (SchemaFault("$", f"The value could not be checked: {type(error).__name__}."),)
    return {"faults": [[fault.path, fault.message] for fault in found]}


def schemas_answer(text: str, *, with_output: bool) -> JsonObject:
    """Return the answer about an OpenAPI text."""
    found: JsonObject = {"input": None, "output": None}
    try:
        document = OpenApiText(text.encode(errors="surrogatepass"), "The file")
        read = {"input": document.input_schema()} | (
            {"output": document.output_schema()} if with_output else {}
        )
        for what, schema in read.items():
            if schema is not None:
                json.dumps(schema, allow_nan=False)
                compiled(schema)
            found[what] = schema
    except (OpenApiError, SchemaUnusableError) as error:
        return {"unusable": str(error)}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"unusable": f"The file cannot be used: {type(error).__name__}."}
    return found


def _finite(text: str) -> float:
    """Return the number, the largest one for those beyond it."""
    largest = sys.float_info.max
    return min(max(float(text), -largest), largest)


def main() -> None:
    """Answer until standard input ends."""
    os.nice(_NICENESS)
    memory, mask = int(sys.argv[1]), _MASK if MASKED in sys.argv[2:] else None
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.set_int_max_str_digits(0)
    requests = sys.stdin.buffer
    while length := requests.readline():
        schema = requests.readline()
        # Bytes of a large value are gone before the check, which needs the room
        text = requests.read(int(length)).decode(errors="surrogatepass") if length.strip() else None
        sys.stdout.buffer.write(json.dumps(_answer_to(schema, text, mask)).encode() + b"\n")
        sys.stdout.buffer.flush()


def _answer_to(schema: bytes, text: str | None, mask: str | None) -> JsonObject:
    if text is not None and schema.strip() in {OPENAPI, OPENAPI_WITH_OUTPUT}:
        return schemas_answer(text, with_output=schema.strip() == OPENAPI_WITH_OUTPUT)
    try:
        return answer(json.loads(schema), text, mask)
    except RecursionError:
        return {"unusable": "The schema is nested too deeply."}


if __name__ == "__main__":
    main()
