"""What is left to the collector of cycles, which stops all threads while it looks."""

import contextlib
import gc
from collections import Counter
from collections.abc import Iterator


@contextlib.contextmanager
def left_in_cycles() -> Iterator[Counter[str]]:
    """Count the objects, by the name of their type, that nothing used any more at the block's end but a cycle kept."""
    found: Counter[str] = Counter()
    usual = gc.get_debug()
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.update(type(one).__qualname__ for one in gc.garbage)
    finally:
        gc.set_debug(usual)
        gc.garbage.clear()
        gc.enable()
        gc.collect()
