# ruff: noqa: T201
"""What the image does unless a test gives a command: adds up ``data.values`` with nothing but the standard
library."""

import json
import math
import os
import sys
from pathlib import Path

INPUT = Path(os.environ.get("INPUT_DIRECTORY", "/var/runtime/input"))
OUTPUT = Path(os.environ.get("OUTPUT_DIRECTORY", "/var/runtime/output"))


def main() -> int:
    """Writes ``{"sum": …}`` to ``output.json``; exits 2 without input, so that a missing mount is not taken
    for success."""
    try:
        values = json.loads((INPUT / "data.json").read_text())["values"]
    except FileNotFoundError as error:
        print(f"no input: {error}", file=sys.stderr)
        return 2
    params = INPUT / "params.json"
    round_up = params.exists() and json.loads(params.read_text()).get("round_up", False)
    total = sum(values)
    print(f"adding {len(values)} values", flush=True)
    (OUTPUT / "output.json").write_text(json.dumps({"sum": math.ceil(total) if round_up else total}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
