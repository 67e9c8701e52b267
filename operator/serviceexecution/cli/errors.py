"""What a command cannot do, in a sentence for its user, and the exit codes that scripts can use."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How ``sx`` ends. Documented in docs/cli.md; numbers keep their meaning."""

    SUCCEEDED = 0
    ERROR = 1
    USAGE = 2
    BUILD_FAILED = 3
    EXECUTION_FAILED = 4
    CANCELLED = 5
    TIMEOUT = 124
    INTERRUPTED = 130


class CommandError(Exception):
    """Printed as it is; the command ends with ``code``."""

    def __init__(self, message: str, *, code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(message)
        self.code = code
