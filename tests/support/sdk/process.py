"""A package that lives in another environment, used as if it were imported here: ``sdk.module("json").dumps(1)``.

A process under that environment's interpreter makes the calls; values come back as they are, other objects as
``Remote``, errors as ``RemoteError`` with the process's own traceback.
"""

import base64
import datetime
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

from typing_extensions import override

_CHILD: Final = Path(__file__).with_name("child.py")
_CREDENTIALS: Final = ("KQH_", "PLANQK_", "SERVICE_EXECUTION_TOKEN")
"""Variables that the packages take credentials from: a developer's own must not reach a test."""


class RemoteError(Exception):
    """The call raised; ``kinds`` are the names of the error's class and of those it derives from."""

    def __init__(self, kinds: list[str], message: str, members: Mapping[str, Any], traceback: str) -> None:
        super().__init__(f"{kinds[0]}: {message}")
        self.kinds = kinds
        self.message = message
        self.members = members
        self.add_note(traceback)


class Remote:
    """An object of the other process. Attributes, calls, ``[]`` and iteration happen there."""

    def __init__(self, process: "SdkProcess", number: int, text: str) -> None:
        self._process = process
        self._number = number
        self._text = text

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._process.ask("get", self, name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._process.ask("call", self, *arguments, **named)

    def __getitem__(self, key: Any) -> Any:
        return self._process.ask("item", self, key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._process.ask("items", self))

    @override
    def __repr__(self) -> str:
        return self._text


class SdkProcess:
    """The process; a context manager that ends it."""

    def __init__(self, python: Path, home: Path, variables: Mapping[str, str] | None = None) -> None:
        """``home`` is an empty directory: no settings of the user count."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_CREDENTIALS)}
        environment = {**inherited, "HOME": str(home), "XDG_CONFIG_HOME": str(home), **(variables or {})}
        environment.pop("PYTHONPATH", None)  # ours
        self._child = subprocess.Popen(
            [python, "-I", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.communicate()

    def module(self, name: str) -> Remote:
        """Return a module."""
        found: Remote = self.ask("module", name)
        return found

    def ask(self, do: str, *arguments: Any, **named: Any) -> Any:
        """Have one thing done; raises RemoteError."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        request = {"do": do, "arguments": _encode([*arguments]), "named": _encode(named)}
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        assert line, f"the process has ended with {self._child.wait()}"
        reply = json.loads(line)
        if "error" in reply:
            members = self._decode(reply["members"])
            raise RemoteError(reply["error"], reply["message"], members, reply["traceback"])
        return self._decode(reply["value"])

    def _decode(self, value: Any) -> Any:
        match value:
            case list():
                return [self._decode(item) for item in value]
            case {"dict": content}:
                return {name: self._decode(item) for name, item in content.items()}
            case {"bytes": content}:
                return base64.b64decode(content)
            case {"time": content}:
                return datetime.datetime.fromisoformat(content)
            case {"object": number, "text": text}:
                return Remote(self, number, text)
        return value


def _encode(value: Any) -> Any:
    match value:
        case list():
            return [_encode(item) for item in value]
        case tuple():
            return {"tuple": [_encode(item) for item in value]}
        case dict():
            return {"dict": {name: _encode(item) for name, item in value.items()}}
        case bytes():
            return {"bytes": base64.b64encode(value).decode()}
        case datetime.datetime():
            return {"time": value.isoformat()}
        case Remote():
            return {"object": value._number}
    return value
