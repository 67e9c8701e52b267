"""Runs the program as the container does, on files: python3 -m unittest discover tests"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).parent.parent


class ProgramTest(unittest.TestCase):
    def test_the_example(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            given, made = Path(scratch, "input"), Path(scratch, "output")
            given.mkdir()
            made.mkdir()
            for name, value in json.loads((ROOT / "input.json").read_text()).items():
                (given / f"{name}.json").write_text(json.dumps(value))
            environment = {**os.environ, "INPUT_DIRECTORY": str(given), "OUTPUT_DIRECTORY": str(made)}
            subprocess.run([sys.executable, "-m", "src.program"], cwd=ROOT, env=environment, check=True)
            self.assertEqual(json.loads((made / "output.json").read_text()), {"sum": 8})


if __name__ == "__main__":
    unittest.main()
