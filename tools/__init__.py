"""Writes the files of this repository that are made from other files of it."""

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
"""The repository's root."""

# The models live below operator/, so that the tools work in a checkout that nobody has installed.
if str(ROOT / "operator") not in sys.path:
    sys.path.insert(0, str(ROOT / "operator"))
