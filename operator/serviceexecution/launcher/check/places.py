"""Where in a project something stands, as ``src/program.py:12``."""

from __future__ import annotations

import ast
import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Places:
    """Places below ``source``, the project's folder; without it nothing is known."""

    def __init__(self, source: Path | None) -> None:
        self._source = None if source is None else source.resolve()

    def relative(self, file: str | Path) -> str | None:
        """Return the path of a file of the project below its folder, None for other files."""
        if self._source is None:
            return None
        path = Path(os.path.realpath(file))
        return path.relative_to(self._source).as_posix() if path.is_relative_to(self._source) else None

    def of_traceback(self, frames: TracebackType | None) -> str | None:
        """Return the last line of the project that an exception came through."""
        found = None
        while frames is not None:
            name = frames.tb_frame.f_code.co_filename
            if not name.startswith("<") and (path := self.relative(name)) is not None:
                found = f"{path}:{frames.tb_lineno}"
            frames = frames.tb_next
        return found

    def of_function(self, function: Callable[..., object]) -> str:
        """Return the place of a function as the beginning of a sentence, nothing when it is not known."""
        path, node = self._definition(function)
        return f"{path}:{node.lineno}: " if path and node else (f"{path}: " if path else "")

    def of_parameter(self, function: Callable[..., object], parameter: str) -> str:
        """Return the place of a parameter as the beginning of a sentence, nothing when it is not known."""
        path, node = self._definition(function)
        if path is None or node is None:
            return self.of_function(function)
        every = node.args
        listed = [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg]
        lines = [argument.lineno for argument in listed if argument is not None and argument.arg == parameter]
        return f"{path}:{lines[0] if lines else node.lineno}: "

    def _definition(
        self, function: Callable[..., object]
    ) -> tuple[str | None, ast.FunctionDef | ast.AsyncFunctionDef | None]:
        function = inspect.unwrap(function)
        code = getattr(function, "__code__", None)
        if code is None or (path := self.relative(code.co_filename)) is None:
            return None, None
        try:
            tree = ast.parse(Path(code.co_filename).read_bytes())
        except (OSError, SyntaxError, ValueError):
            return path, None
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                if node.name == code.co_name and first == code.co_firstlineno:
                    return path, node
        return path, None
