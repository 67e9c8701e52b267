"""A user's shell in a test: ``sx``, ``kubectl`` and a kubeconfig whose namespace is the test's own."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_OPERATOR: Final = Path(__file__).parents[2] / "operator"
_BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_JQ: Final = """\
import json, sys
value = json.load(sys.stdin)
for name in filter(None, sys.argv[1].split(".")):
    value = value[name]
print(json.dumps(value))
"""
"""As much of jq as the examples' pages use; it is on no machine by itself."""


def commands_of(page: Path) -> str:
    """Return what a page's shell blocks say to type, in their order."""
    return "\n".join(_BLOCK.findall(page.read_text()))


@dataclass(frozen=True)
class Shell:
    """Runs scripts as a new user would, below ``directory``."""

    directory: Path
    environment: dict[str, str]

    @classmethod
    def make(cls, directory: Path, namespace: str) -> "Shell":
        """Make the programs and the kubeconfig."""
        programs = directory / "bin"
        programs.mkdir()
        _program(programs / "sx", f'exec "{sys.executable}" -m serviceexecution.cli.main "$@"')
        if shutil.which("jq") is None:
            (programs / "jq.py").write_text(_JQ)
            _program(programs / "jq", f'exec "{sys.executable}" "{programs}/jq.py" "$@"')
        kubeconfig = directory / "kubeconfig"
        shutil.copy(os.environ["KUBECONFIG"], kubeconfig)
        environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(_OPERATOR),
            "KUBECONFIG": str(kubeconfig),
            "HOME": str(directory),
        }
        command = ["kubectl", "config", "set-context", "--current", f"--namespace={namespace}"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        return cls(directory, environment)

    def run(self, script: str, folder: Path, *, seconds: float) -> str:
        """Run a script in a folder; return all that it printed. Fails with that when a command fails."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"exit code {done.returncode}:\n{done.stdout}"
        return done.stdout


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
