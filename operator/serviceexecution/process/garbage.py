"""How often Python looks for cycles: seldom, since it looks through everything that was parsed."""

import gc
from typing import Final

THRESHOLDS: Final = (40_000, 50, 100)
"""With Python's own (700, 10, 10) an object of a megabyte and a half that is nothing but small lists holds the event
loop for half a second while it is parsed, most of it in collections; with these for a twentieth. A collection also
holds it: 200,000 objects that really are in cycles take half a second."""


def collect_seldom() -> None:
    """Look for cycles seldom, and never again in what is there now: modules, models, routes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
