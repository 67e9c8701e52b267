"""One program of a Python project, one run of it, and what must come of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

SECRET = "s3cr3t-0f-the-table"  # noqa: S105 - what must not be seen
POOL_ID = "11111111-2222-3333-4444-555555555555"
LIBRARIES = ("qhub", "planqk")


@dataclass(frozen=True, slots=True)
class ExpectedProblem:
    """A problem (RFC 9457): its title, and a part of its detail. ``members`` are further ones."""

    title: str
    detail: str
    members: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a run leaves."""

    exit_code: int = 0
    json: Mapping[str, object] = field(default_factory=dict)
    """Output files that hold JSON, by name."""
    text: Mapping[str, str] = field(default_factory=dict)
    """Output files that are compared as text, by name."""
    problem: ExpectedProblem | None = None
    """The problem in output.json, or in the file that ``problem_in`` names."""
    problem_in: str = "output.json"
    log: tuple[str, ...] = ()
    """Texts that the log has."""

    @property
    def files(self) -> set[str]:
        """Return the names of all output files."""
        return {*self.json, *self.text, *({self.problem_in} if self.problem else ())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One program and one run of it."""

    name: str
    program: str
    """Source of the module. ``LIBRARY`` stands for qhub or planqk."""
    input: Mapping[str, object] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Values by the name in ``$secrets``."""
    pools: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Files of data pools, by the property that names the pool."""
    environment: Mapping[str, str] = field(default_factory=dict)
    entry_point: str = ""
    """Another one than the module's run()."""
    raw_input: Mapping[str, str] = field(default_factory=dict)
    """Texts of input files that are no JSON: no gateway lets them through."""
    libraries: tuple[str, ...] = LIBRARIES
    expected: Expected
    expected_of: Mapping[str, Expected] = field(default_factory=dict)
    """Where a library differs."""

    @property
    def for_pods(self) -> bool:
        """Tell whether a run on a pod can be given the same."""
        return not self.raw_input

    @property
    def meets_library(self) -> bool:
        """Tell whether the program calls its library itself, or is given what the library hands over."""
        return "LIBRARY" in self.program or bool(self.secrets) or bool(self.pools)

    @property
    def module(self) -> str:
        """Return the name of the program's module in ``user_code.src``."""
        return f"case_{self.name}"

    def entry(self) -> str:
        """Return the value of ENTRYPOINT."""
        return self.entry_point or f"user_code.src.{self.module}:run"

    def outcome(self, library: str) -> Expected:
        """Return what is expected of a run by ``library``."""
        return self.expected_of.get(library, self.expected)

    def body(self) -> dict[str, object]:
        """Return the input as a client of the Service API sends it."""
        pools = {name: {"ref": "DATAPOOL", "id": POOL_ID} for name in self.pools}
        secrets = {"$secrets": dict(self.secrets)} if self.secrets else {}
        return {**self.input, **pools, **secrets}

    def body_text(self) -> str:
        """Return that input as JSON text; programs see how its strings are written."""
        return json.dumps(self.body(), ensure_ascii=False)


def project(cases: Iterable[Case], library: str) -> dict[str, str]:
    """Return the files of the project of all ``cases``, by their paths in it; requirements.txt is the caller's."""
    files = {"__init__.py": "", "src/__init__.py": "", "src/program.py": "def run() -> None:\n    pass\n"}
    for case in cases:
        files[f"src/{case.module}.py"] = case.program.replace("LIBRARY", library)
    return files


def faults(case: Case, library: str, *, exit_code: int, files: Mapping[str, bytes], log: str) -> list[str]:
    """Return in sentences where a run differs from what is expected; nothing when it does not."""
    expected = case.outcome(library)
    found: list[str] = []
    if exit_code != expected.exit_code:
        found.append(f"The exit code is {exit_code}, not {expected.exit_code}.")
    if set(files) != expected.files:
        found.append(f"The output files are {sorted(files)}, not {sorted(expected.files)}.")
    for name, value in expected.json.items():
        if name in files and (got := _json(files[name])) != value:
            found.append(f"{name} is {got!r}, not {value!r}.")
    for name, text in expected.text.items():
        if name in files and files[name].decode() != text:
            found.append(f"{name} is {files[name]!r}, not {text!r}.")
    if expected.problem is not None and expected.problem_in in files:
        found += _problem_faults(expected.problem, _json(files[expected.problem_in]))
    found += [f"The log lacks {text!r}." for text in expected.log if text not in log]
    for name, content in (*files.items(), ("log", log.encode())):
        if SECRET.encode() in content:
            found.append(f"The secret stands in {name}.")
    return found


def _problem_faults(expected: ExpectedProblem, problem: object) -> list[str]:
    if not isinstance(problem, dict):
        return [f"The problem is {problem!r}."]
    found = [
        f"The problem has no {name}." for name in ("type", "title", "status", "detail") if name not in problem
    ]
    if problem.get("title") != expected.title:
        found.append(f"The title is {problem.get('title')!r}, not {expected.title!r}.")
    if expected.detail not in str(problem.get("detail")):
        found.append(f"The detail {problem.get('detail')!r} lacks {expected.detail!r}.")
    if problem.get("status") != 500:
        found.append(f"The status is {problem.get('status')!r}.")
    members = {
        name: value for name, value in problem.items() if name not in {"type", "title", "status", "detail"}
    }
    return found if members == dict(expected.members) else [*found, f"Further members are {members!r}."]


def _json(content: bytes) -> object:
    try:
        value: object = json.loads(content)
    except ValueError:
        return content
    return value


def case_of(name: str, program: str, expected: Expected | None = None, **fields: Any) -> Case:
    """Return the case of an indented program, which succeeds without output unless said otherwise."""
    return Case(name=name, program=dedent(program).lstrip(), expected=expected or Expected(), **fields)


def main_result(value: object, **fields: Any) -> Expected:
    """Expect a success with ``value`` in output.json."""
    return Expected(json={"output.json": value}, **fields)


def failed(title: str, detail: str, *, exit_code: int = 1, **fields: Any) -> Expected:
    """Expect a failure with a problem."""
    return Expected(exit_code=exit_code, problem=ExpectedProblem(title, detail), **fields)
