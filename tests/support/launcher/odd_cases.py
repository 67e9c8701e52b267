"""Runs that fail in odd ways: errors without text, exits without a code, values that are no result."""

from tests.support.launcher.case import case_of, failed

ODD_FAILURES = (
    case_of(
        "raises_error_that_would_exit",
        """
        class Broken(Exception):
            def __str__(self):
                raise SystemExit(0)
        def run() -> None:
            raise Broken
        """,
        failed("Broken", "Broken"),
    ),
    case_of(
        "raises_error_that_would_exit_at_import",
        """
        class Broken(Exception):
            def __str__(self):
                raise SystemExit(0)
        raise Broken
        """,
        failed("Broken", "Broken"),
    ),
    case_of(
        "raises_after_closing_its_streams",
        """
        import sys
        def run() -> None:
            sys.stdout.close()
            sys.stderr.close()
            raise ValueError("the real cause")
        """,
        failed("ValueError", "the real cause"),
    ),
    case_of(
        "raises_group",
        """
        def run() -> None:
            inner = ExceptionGroup("inner", [KeyError("missing"), OSError("other")])
            raise ExceptionGroup("many", [inner, ValueError("second")])
        """,
        failed("ExceptionGroup", "many (2 sub-exceptions); the first is KeyError: 'missing'"),
    ),
    case_of(
        "raises_group_of_long_texts",
        """
        class Broken(Exception):
            pass
        def run() -> None:
            raise ExceptionGroup("many", [Broken("x" * 3_000_000)])
        """,
        failed("ExceptionGroup", "many (1 sub-exception); the first is Broken: xxx"),
    ),
    case_of(
        "exits_with_megabytes_of_text",  # which the operator would not read
        "def run() -> None:\n    raise SystemExit('x' * 3_000_000)\n",
        failed("SystemExit", "x" * 65_536 + "…"),
    ),
    case_of(
        "exits_with_text_without_words",
        "import sys\ndef run() -> None:\n    sys.exit('')\n",
        failed("SystemExit", "The program ended itself with exit code 1, and says nothing more."),
    ),
    case_of(
        "exits_with_object_without_text",
        """
        class Broken:
            def __str__(self):
                raise TypeError("no text")
        def run() -> None:
            raise SystemExit(Broken())
        """,
        failed("SystemExit", "The program ended itself with exit code 1, and says nothing more."),
    ),
    case_of(
        "exits_with_huge_code",  # of which the interpreter makes 255
        "def run() -> None:\n    raise SystemExit(2**70)\n",
        failed("SystemExit", "exit code 1180591620717411303424", exit_code=255),
    ),
    case_of(
        "exits_with_streams_of_its_own",
        """
        import sys
        class Odd:
            def write(self, text):
                raise RuntimeError("not written")
            def flush(self):
                pass
        def run() -> None:
            sys.stdout = sys.stderr = Odd()
            sys.exit(4)
        """,
        failed("SystemExit", "exit code 4", exit_code=4),
    ),
    *(
        case_of(
            f"returns_{name}",
            f"import asyncio\nasync def later():\n    return 1\ndef run() -> None:\n    return {value}\n",
            failed("NoResultError", f"run() returned a {detail}"),
        )
        for name, value, detail in (
            (
                "coroutine",
                "later()",
                "coroutine, which has to be awaited and is no result yet; write def run(…)",
            ),
            (
                "generator",
                "(x for x in [1])",
                "generator, which has to be iterated over and is no result yet",
            ),
            (
                "map",
                "map(str, [1])",
                "map, which has to be iterated over and is no result yet; return a list of",
            ),
            (
                "open_file",
                "open(__file__)",
                "TextIOWrapper, which is an open file and is no result yet; return",
            ),
        )
    ),
)
