"""Runs that fail, each in its own way, and what the log has of secrets."""

from tests.support.launcher.case import SECRET, Expected, ExpectedProblem, case_of, failed, main_result
from tests.support.launcher.success_cases import SUM

_RAISES = """
    import json, os
    from LIBRARY.commons.runtime.output import write_string_output
    def run(data: dict) -> dict:
        write_string_output("part.txt", "half")
        if data.get("own"):
            write_string_output("output.json", json.dumps(data["own"]))
        if data.get("leave"):
            raise SystemExit(data["leave"])
        raise ValueError("the values are too large")
"""
_PART = {"part.txt": "half"}
_OWN = {"input": {"data": {"own": {"partial": [1, 2]}}}}
_OWN_PROBLEM = {"type": "about:blank", "title": "Mine", "status": 400, "detail": "said by the program"}
FAILURES = (
    case_of(
        "raises",
        _RAISES,
        failed("ValueError", "the values are too large", log=("Traceback (most recent call",), text=_PART),
        input={"data": {}},
    ),
    case_of(
        "raises_with_own_result",  # qhub-commons itself replaces it, planqk-commons leaves it
        _RAISES,
        failed("ValueError", "the values are too large", text=_PART),
        expected_of={
            "planqk": failed(
                "ValueError",
                "the values are too large",
                json={"output.json": {"partial": [1, 2]}},
                problem_in="problem.json",
                text=_PART,
            )
        },
        **_OWN,
    ),
    case_of(
        "exits_with_own_result",
        _RAISES,
        failed(
            "SystemExit",
            "exit code 4",
            exit_code=4,
            json={"output.json": {"partial": [1, 2]}},
            problem_in="problem.json",
            log=("The program has written its own output.json",),
            text=_PART,
        ),
        input={"data": {"own": {"partial": [1, 2]}, "leave": 4}},
    ),
    case_of(
        "exits_with_own_problem",
        _RAISES,
        Expected(exit_code=4, json={"output.json": _OWN_PROBLEM}, text=_PART),
        input={"data": {"own": _OWN_PROBLEM, "leave": 4}},
    ),
    case_of(
        "handler_error",
        """
        from qhub.commons.runtime import HandlerError
        def run() -> None:
            raise HandlerError("Too large", "At most 3 values.", {"limit": 3})
        """,
        Expected(exit_code=1, problem=ExpectedProblem("Too large", "At most 3 values.", {"limit": 3})),
        libraries=("qhub",),
    ),
    case_of(
        "handler_error_without_json",  # the library then writes nothing
        """
        from qhub.commons.runtime import HandlerError
        def run() -> None:
            raise HandlerError("Too large", "At most 3 values.", {"limit": object()})
        """,
        failed("Too large", "At most 3 values."),
        libraries=("qhub",),
    ),
    case_of(
        "raises_without_text",
        "def run() -> None:\n    raise RuntimeError\n",
        failed("RuntimeError", "RuntimeError"),
    ),
    case_of(
        "raises_broken_error",
        """
        class Broken(Exception):
            def __str__(self):
                raise TypeError("no text")
        def run() -> None:
            raise Broken
        """,
        failed("Broken", "Broken", log=("Traceback", "raise Broken")),  # the library stumbles over it
    ),
    case_of(
        "cancelled",
        "import asyncio\ndef run() -> None:\n    raise asyncio.CancelledError('given up')\n",
        failed("CancelledError", "given up", log=("Traceback", "CancelledError: given up")),
    ),
    case_of(
        "raises_at_import",
        "raise RuntimeError('no license here')\n",
        failed(
            "RuntimeError",
            "no license here",
            log=("Traceback", "case_raises_at_import.py", "no license here"),
        ),
    ),
    case_of(
        "import_missing",
        "import not_installed_at_all\ndef run() -> None:\n    pass\n",
        failed("ModuleNotFoundError", "not_installed_at_all"),
    ),
    case_of(
        "exits_at_import",
        "import sys\nsys.exit(3)\n",
        failed("SystemExit", "exit code 3", exit_code=3, log=("ended itself with exit code 3",)),
    ),
    case_of(
        "exits",
        "import sys\ndef run() -> None:\n    sys.exit(7)\n",
        failed("SystemExit", "exit code 7", exit_code=7),
    ),
    case_of(
        "exits_with_text",
        "import sys\ndef run() -> None:\n    sys.exit('no more quota')\n",
        failed("SystemExit", "no more quota", log=("no more quota",)),
    ),
    case_of("exits_with_0", "import sys\ndef run() -> None:\n    sys.exit(0)\n"),
    case_of("exits_with_nothing", "import sys\ndef run() -> None:\n    sys.exit()\n"),
    case_of("input_missing", SUM, failed("TypeError", "params"), input={"data": {"values": [1]}}),
    case_of(
        "input_of_wrong_type",
        """
        from pydantic import BaseModel
        class Data(BaseModel):
            values: list[int]
        def run(data: Data) -> dict:
            return {}
        """,
        failed("ValidationError", "values"),
        input={"data": {"values": ["x"]}},
    ),
    case_of(
        "input_is_no_number",
        "def run(count: int) -> dict:\n    return {}\n",
        failed("ValueError", "invalid literal for int()", log=("Traceback",)),
        input={"count": "five"},
    ),
    case_of(
        "input_is_no_json",
        "from typing import Dict\ndef run(data: Dict[str, int]) -> dict:\n    return {}\n",
        failed("ValueError", "Invalid JSON data for dict type"),
        raw_input={"data": '{"a": '},
    ),
    case_of(
        "secret_missing",
        """
        from LIBRARY.commons.secret import SecretValue
        def run(api_token: SecretValue) -> dict:
            return {}
        """,
        failed("ValueError", "SECRET_API_TOKEN"),
    ),
    case_of(
        "data_pool_missing",
        """
        from LIBRARY.commons.datapool import DataPool
        def run(training_data: DataPool) -> dict:
            return {}
        """,
        failed("FileNotFoundError", "training_data"),
    ),
    case_of(
        "result_without_json",
        """
        def run() -> dict:
            result = {}
            result["itself"] = result
            return result
        """,
        failed("ValueError", "Circular reference"),
    ),
    case_of(
        "result_without_json_after_own",
        """
        from LIBRARY.commons.runtime.output import write_string_output
        def run() -> dict:
            write_string_output("output.json", '{"kept": 1}')
            return {(1, 2): "a key that JSON has not"}
        """,
        failed("TypeError", "keys must be", json={"output.json": {"kept": 1}}, problem_in="problem.json"),
    ),
    case_of(
        "entry_point_without_module",
        "",
        failed("EntryPointError", "user_code.src.nowhere"),
        entry_point="user_code.src.nowhere:run",
    ),
    case_of(
        "entry_point_without_function",
        "",
        failed("EntryPointError", "no function start()"),
        entry_point="user_code.src.program:start",
    ),
    case_of(
        "entry_point_without_colon",
        "",
        failed("EntryPointError", "module:function"),
        entry_point="user_code.src",
    ),
)

LEVELS = (
    *(
        case_of(
            f"log_level_{name}",
            """
            import logging
            def run() -> dict:
                logging.getLogger("mine").warning("a warning")
                return {}
            """,
            main_result({}, log=("LOG_LEVEL is", f": {level} is used.", "a warning")),
            environment={"LOG_LEVEL": given},
        )
        for name, given, level in (
            ("trace", "TRACE", "DEBUG"),
            ("warn", "Warn", "WARNING"),
            ("notice", "NOTICE", "INFO"),
            ("empty", "", "INFO"),
            ("number", "25", "INFO"),
            ("unknown", "loud", "INFO"),
        )
    ),
    case_of(
        "log_level_small",
        "def run() -> dict:\n    return {}\n",
        main_result({}),
        environment={"LOG_LEVEL": "debug"},
    ),
)

_SECRETS = {"secrets": {"api_token": SECRET}}
SECRETS = (
    case_of(
        "secret_in_variables",  # loguru's tracebacks would print them
        """
        import logging
        from loguru import logger
        from LIBRARY.commons.secret import SecretValue
        def use(token, number):
            return number / 0
        def run(api_token: SecretValue) -> dict:
            token = api_token.unwrap()
            try:
                use(token, 1)
            except ZeroDivisionError:
                logging.getLogger("mine").exception("caught with logging")
                logger.exception("caught with loguru")
            return {"value": use(token, 2)}
        """,
        failed(
            "ZeroDivisionError",
            "division by zero",
            log=("caught with logging", "caught with loguru", "use(token"),
        ),
        environment={"LOGURU_DIAGNOSE": "YES"},
        **_SECRETS,
    ),
    case_of(
        "secret_in_variables_at_import",
        """
        import os
        TOKEN = os.environ["SECRET_API_TOKEN"]
        def use(token):
            raise RuntimeError("not now")
        use(TOKEN)
        """,
        failed("RuntimeError", "not now", log=("use(TOKEN)",)),
        **_SECRETS,
    ),
    case_of(
        "secret_in_error_at_import",
        "import os\nraise RuntimeError('bad token ' + os.environ.pop('SECRET_API_TOKEN'))\n",
        failed("RuntimeError", "bad token [redacted]", log=("bad token [redacted]",)),
        **_SECRETS,
    ),
    case_of(
        "secret_in_exit",
        "import os, sys\ndef run() -> None:\n    sys.exit('bad token ' + os.environ['SECRET_API_TOKEN'])\n",
        failed("SystemExit", "bad token [redacted]", log=("bad token [redacted]",)),
        **_SECRETS,
    ),
)
