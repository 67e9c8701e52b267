"""The name under which a test's report carries a measured figure."""

from typing import Final

FIGURE: Final = "figure"
