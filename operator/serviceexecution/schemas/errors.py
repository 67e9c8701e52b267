"""Why a check has no verdict."""


class SchemaTimeoutError(Exception):
    """The check took longer than it may; schema or value are too complicated."""


class CheckerUnavailableError(Exception):
    """No check is possible at the moment, whatever the schema and the value."""


class SchemaSuspendedError(CheckerUnavailableError):
    """Nothing is checked against the schema for ``seconds``: checks of it took too long. That is no verdict."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "Checks against this schema took too long several times; it is tried again later. Simplify the schema."
        )
        self.seconds = seconds
