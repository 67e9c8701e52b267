"""What our programs rely on an API server for: checks that the real one and the one in memory both pass."""

from tests.support.api_server.conformance import reading, watching, writing
from tests.support.api_server.conformance.checks import CHECKS, Check

__all__ = ["CHECKS", "Check", "reading", "watching", "writing"]
