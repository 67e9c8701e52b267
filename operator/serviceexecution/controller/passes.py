"""What the passes over executions and over services have in common."""

from typing import Final

RECHECK_SECONDS: Final = 0.2
"""Pause before a pass is repeated because something changed under it."""
