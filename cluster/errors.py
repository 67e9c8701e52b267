"""The one exception that the launcher shows to its user."""


class LauncherError(Exception):
    """Something the user can act on, in one sentence; printed without a traceback, exit status 1."""
