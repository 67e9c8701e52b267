"""Runs under a package's own interpreter and does what ``process`` asks for, one JSON line after the other.

Plain values travel as they are; every other object stays here and travels as a number.
"""

import asyncio
import base64
import datetime
import importlib
import inspect
import json
import os
import sys
import traceback

_PLAIN = (type(None), bool, int, float, str)


class Objects:
    """What the tests hold on to, by number."""

    def __init__(self):
        self._kept = []

    def encode(self, value):
        """Return the JSON form of a value. Subclasses, such as the members of an enumeration, are objects."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is bytes:
            return {"bytes": base64.b64encode(value).decode()}
        if kind is datetime.datetime:
            return {"time": value.isoformat()}
        if kind in (list, tuple):
            return [self.encode(item) for item in value]
        if kind is dict and all(type(name) is str for name in value):
            return {"dict": {name: self.encode(item) for name, item in value.items()}}
        self._kept.append(value)
        return {"object": len(self._kept) - 1, "text": repr(value)[:2000]}

    def decode(self, value):
        """Return the value of a JSON form."""
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        ((kind, content), *_) = value.items()
        if kind == "dict":
            return {name: self.decode(item) for name, item in content.items()}
        if kind == "tuple":
            return tuple(self.decode(item) for item in content)
        if kind == "time":
            return datetime.datetime.fromisoformat(content)
        return base64.b64decode(content) if kind == "bytes" else self._kept[content]


async def _collected(stream):
    return [item async for item in stream]


async def _awaited(value):
    return await value


def answer(objects, loop, request):
    """Return the value that was asked for."""
    arguments = objects.decode(request["arguments"])
    on = arguments.pop(0)
    match request["do"]:
        case "module":
            return importlib.import_module(on)
        case "get":
            return getattr(on, arguments[0])
        case "item":
            return on[arguments[0]]
        case "items":
            return loop.run_until_complete(_collected(on)) if hasattr(on, "__aiter__") else list(on)
        case "call":
            value = on(*arguments, **objects.decode(request["named"]))
            return loop.run_until_complete(_awaited(value)) if inspect.isawaitable(value) else value
    raise ValueError(request["do"])


def main():
    """Answer until the input ends."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a package prints is no answer
    objects = Objects()
    loop = asyncio.new_event_loop()
    for line in sys.stdin:
        try:
            reply = {"value": objects.encode(answer(objects, loop, json.loads(line)))}
        except Exception as error:  # noqa: BLE001 - whatever it is, the test gets it
            reply = {
                "error": [base.__name__ for base in type(error).__mro__],
                "message": str(error),
                "members": objects.encode(dict(vars(error))),
                "traceback": traceback.format_exc(),
            }
        print(json.dumps(reply), file=out, flush=True)


if __name__ == "__main__":
    main()
