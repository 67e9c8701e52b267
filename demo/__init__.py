"""`python -m demo`: one execution from nothing to a kept result, told step by step."""

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
"""The repository's root."""

# The client lives below operator/, so that the demo runs in a checkout that nobody has installed.
if str(ROOT / "operator") not in sys.path:
    sys.path.insert(0, str(ROOT / "operator"))
