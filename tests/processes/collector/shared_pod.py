"""The collector in a process namespace that it shares with programs, as in a pod."""

import os
import shlex
import subprocess
import sys

import pytest

from tests.processes.collector.live import COLLECTOR, finish

NAMESPACE = ("unshare", *(() if os.getuid() == 0 else ("-r",)), "-p", "-f", "--mount-proc")
needs_namespaces = pytest.mark.skipif(
    subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode != 0,
    reason="process namespaces cannot be made here",
)


class SharedPod:
    """Process 1 stands for the pause container; each line on its input sends SIGTERM to the collector."""

    def __init__(self, pod, *programs):
        pod.environment |= {"SX_SHARED_PROCESSES": "true", "PATH": os.environ["PATH"]}
        collector = shlex.join([sys.executable, "-I", "-S", str(COLLECTOR)])
        background = "".join(f"({program}) & " for program in programs)
        script = f"{background} {collector} & c=$!; while read line; do kill -TERM $c; done; wait $c"
        self.process = subprocess.Popen(
            [*NAMESPACE, "sh", "-c", script],
            env=pod.environment,
            cwd=pod.output,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def terminate(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def finish(self):
        return finish(self.process)
