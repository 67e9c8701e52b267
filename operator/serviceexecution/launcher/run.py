"""One run: the library of the project is started, and whatever fails leaves a problem and a traceback."""

from __future__ import annotations

import sys
from importlib import import_module

from serviceexecution.launcher import entry_point, library, log_level, returned, threads
from serviceexecution.launcher.log import print_traceback, say
from serviceexecution.launcher.redaction import Redaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from types import ModuleType
    from typing import Final

OUTPUT_VARIABLE: Final = "OUTPUT_DIRECTORY"
OUTPUT_DEFAULT: Final = "/var/runtime/output"
INTERRUPTED: Final = 130
"""Exit code of a program that SIGINT ended."""
LARGEST_CODE: Final = 2**63 - 1
"""The interpreter makes -1 of an exit code beyond a C long."""


def launch(environment: MutableMapping[str, str]) -> int:
    """Run the entry point once; returns the exit code, the library's own where it gives one."""
    environment["LOGURU_DIAGNOSE"] = (
        "NO"  # Loguru reads it at its import: no values of variables in tracebacks
    )
    # As they are now: the program may change its environment
    redaction = Redaction(environment)
    directory = environment.get(OUTPUT_VARIABLE) or OUTPUT_DEFAULT
    if (corrected := log_level.correct(environment)) is not None:
        say("WARNING", corrected)

    code = _run(environment, directory, redaction)
    threads.say_what_is_waited_for()
    return code


def _run(environment: MutableMapping[str, str], directory: str, redaction: Redaction) -> int:
    raised: list[BaseException] = []
    try:
        code = _start(environment, raised, redaction)
    except SystemExit as error:
        stumbled = bool(raised) and raised[0] is not error  # The library, over what run() had raised
        code = 1 if stumbled else _exit_code(error)
        if code % 256 == 0:
            return code
        raised.append(error)
        say("ERROR", redaction.text(_said_by(error)))
    except BaseException as error:  # noqa: BLE001 - asyncio.CancelledError also ends a program
        code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
        raised.append(error)
        _leave_problem(raised, code, directory, redaction)
        print_traceback(error, redaction)
        return code
    if code:
        _leave_problem(raised, code, directory, redaction)
    return code


def _start(environment: MutableMapping[str, str], raised: list[BaseException], redaction: Redaction) -> int:
    """Do what the library's own starter would do; what ``run()`` raises is put into ``raised``."""
    installed = library.installed_library()
    import_module(f"{installed}.commons.logging").init_logging()
    before = set(sys.modules)
    name, function = entry_point.split(environment.get(entry_point.VARIABLE, entry_point.DEFAULT))
    program = entry_point.import_program(name)
    chosen = library.library_of(
        entry_point.function_of(program, function), installed=installed, modules_before=before
    )
    runtime = import_module(f"{chosen}.commons.runtime.main")
    _remember_errors(runtime, raised)
    _tell_of_texts(runtime)
    _name_the_first_of_groups(runtime, redaction)
    code: int = runtime.main()
    return code


def _remember_errors(runtime: ModuleType, raised: list[BaseException]) -> None:
    """Have ``main()`` of the library tell what ``run()`` raised: it gives only an exit code for it."""
    call: Callable[..., object] | None = getattr(runtime, "run_entrypoint", None)
    if call is None:
        return

    def run_entrypoint(*args: object, **kwargs: object) -> object:
        try:
            value = call(*args, **kwargs)
            returned.refuse_what_is_no_result(value)
        except BaseException as error:
            raised.append(error)
            raise
        return value

    runtime.run_entrypoint = run_entrypoint  # type: ignore[attr-defined]


def _tell_of_texts(runtime: ModuleType) -> None:
    """Have the log say when the library writes only the text of something in the result."""
    convert: Callable[[object], str | None] | None = getattr(runtime, "any_to_json", None)
    if convert is None:
        return

    def any_to_json(data: object) -> str | None:
        text = convert(data)
        if (kind := returned.kind_written_as_text(data)) is not None:
            say(
                "WARNING",
                f"The result has a value of the type {kind}, of which only the text is written, maybe shortened: "
                "return what JSON has, such as list(…) of a set or .tolist() of an array.",
            )
        return text

    runtime.any_to_json = any_to_json  # type: ignore[attr-defined]


def _name_the_first_of_groups(runtime: ModuleType, redaction: Redaction) -> None:
    """Have the problem that the library writes itself name the first exception of a group."""
    build: Callable[[BaseException], dict[str, object]] | None = getattr(
        runtime, "build_problem_details", None
    )
    if build is None:
        return

    def build_problem_details(error: BaseException) -> dict[str, object]:
        built = build(error)
        if not isinstance(error, BaseExceptionGroup):
            return built
        from serviceexecution.launcher import problem  # noqa: PLC0415 - only a failure needs it

        told = problem.with_first_of_group(built, error)
        return problem.of_bounded_length({str(name): redaction.member(value) for name, value in told.items()})

    runtime.build_problem_details = build_problem_details  # type: ignore[attr-defined]


def _leave_problem(raised: list[BaseException], code: int, directory: str, redaction: Redaction) -> None:
    from serviceexecution.launcher import problem  # noqa: PLC0415 - only a failure needs it

    # The first one: the library may stumble over what run() has raised
    told = problem.problem_of(raised[0]) if raised else problem.unknown_problem(code)
    left = problem.leave({str(name): redaction.member(value) for name, value in told.items()}, directory)
    if left is None:
        say(
            "ERROR",
            f"The problem could not be written to {directory}: make it a directory that can be written.",
        )
    elif left != problem.MAIN_RESULT:
        say("WARNING", f"The program has written its own {problem.MAIN_RESULT}: why it failed is in {left}.")


def _exit_code(error: SystemExit) -> int:
    """Return the exit code as the interpreter would have it."""
    if error.code is None:
        return 0
    if not isinstance(error.code, int):
        return 1
    code = int(error.code)
    return code if -LARGEST_CODE - 1 <= code <= LARGEST_CODE else -1


def _said_by(error: SystemExit) -> str:
    from serviceexecution.launcher.problem import problem_of  # noqa: PLC0415

    return str(problem_of(error)["detail"])
