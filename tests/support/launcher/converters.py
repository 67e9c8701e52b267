"""The library's converters and our schemas, asked in a process of the library's environment."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Self

_CHILD = Path(__file__).with_name("child.py")


class ConverterProcess:
    """Answers for programs: their schema, and which inputs the library takes. A context manager."""

    def __init__(self, python: Path, launcher: Path, library: str) -> None:
        self._process = subprocess.Popen(
            [python, "-P", _CHILD, library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(launcher)},
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, source: str, inputs: list[dict[str, str]]) -> dict[str, Any]:
        """Return the answer, as child describes it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"source": source, "inputs": inputs}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, source
        found: dict[str, Any] = json.loads(line)
        return found
