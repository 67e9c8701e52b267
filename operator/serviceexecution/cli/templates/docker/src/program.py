"""The service: a program that runs once for each execution and ends. Any language does.

Each member of the input is a file below /var/runtime/input. What is written below /var/runtime/output is the
output, output.json the main result. Exit code 0 means that it succeeded.
"""

import json
import math
import os
from pathlib import Path

# the same without a container: tests set these variables
INPUT = Path(os.environ.get("INPUT_DIRECTORY", "/var/runtime/input"))
OUTPUT = Path(os.environ.get("OUTPUT_DIRECTORY", "/var/runtime/output"))


def main() -> None:
    """Add the values."""
    data = json.loads((INPUT / "data.json").read_text())
    params = json.loads((INPUT / "params.json").read_text())
    print(f"adding {len(data['values'])} values", flush=True)
    total = math.fsum(data["values"])
    result = {"sum": math.ceil(total) if params.get("round_up") else total}
    (OUTPUT / "output.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
