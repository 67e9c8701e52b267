"""Runs inside of an environment with an in-container library: what a signature's schema is, and which inputs the
library takes for it. Reads requests as lines of JSON, answers each with one.

A request is ``{"source": "…", "inputs": [{"property": "JSON text", …}, …]}``, where the source defines ``run``.
An answer is ``{"schema": {…}, "accepted": [true, …], "fault": null | "…"}``, or ``{"broken": "…"}`` when the
source cannot be run.
"""

import contextlib
import inspect
import json
import os
import sys
import tempfile
import types
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from serviceexecution.launcher.check.signature import signature_fault
from serviceexecution.launcher.converters import Converters
from serviceexecution.launcher.schema.document import input_schema


def answer(library: str, converters: Converters, request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one request."""
    module = types.ModuleType("program")
    module.__dict__["__name__"] = "program"
    sys.modules["program"] = module
    try:
        exec(compile(request["source"], "program.py", "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    except Exception as error:  # noqa: BLE001 - a model that Pydantic, or Python, refuses
        return {"broken": f"{type(error).__name__}: {error}"}
    signature = inspect.signature(module.run)
    checked = signature_fault(module.run, signature, converters)
    return {
        "schema": input_schema(signature, converters, None),
        "accepted": [takes(library, signature, files) for files in request["inputs"]],
        "fault": checked.fault,
        "notes": checked.notes,
    }


def takes(library: str, signature: inspect.Signature, files: dict[str, str]) -> bool:
    """Tell whether the library would call ``run()`` with what it makes of the input."""
    parameters = import_module(f"{library}.commons.parameters")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as directory:  # noqa: PTH112
        paths = {}
        for name, text in files.items():
            paths[name] = f"{directory}/{name}.json"
            Path(paths[name]).write_text(text, encoding="utf-8")
        try:
            signature.bind(**parameters.files_to_parameters(paths, signature))
        except Exception:  # noqa: BLE001 - whatever it is, the run would end
            return False
    return True


def main() -> None:
    """Answer until standard input ends."""
    library = sys.argv[1]
    warnings.simplefilter("ignore")
    import_module("loguru").logger.remove()
    converters = Converters(library)
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            answered = json.dumps(answer(library, converters, json.loads(line)))
        sys.stdout.write(answered + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
