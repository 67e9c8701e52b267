"""What a container's processes hold, read inside it, beside the limit that it has."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import member, name_of

MIB: Final = 1024**2
RESIDENT_SHARE: Final = 0.9
"""Of the limit. The rest is for what else the limit counts, such as sockets and pages of files."""
_UNLIMITED: Final = 2**50
_V1, _V2 = "/sys/fs/cgroup/memory", "/sys/fs/cgroup"
# Processes of other containers may be seen; they have another group.
_SCRIPT: Final = f"""
cat {_V2}/memory.peak 2>/dev/null || cat {_V1}/memory.max_usage_in_bytes
cat {_V2}/memory.max 2>/dev/null || cat {_V1}/memory.limit_in_bytes
own="$(cat /proc/self/cgroup)"
for process in /proc/[0-9]*; do
  [ "$(cat $process/cgroup 2>/dev/null)" = "$own" ] && grep -h VmHWM $process/status 2>/dev/null
done
true
"""


@dataclass(frozen=True, slots=True)
class Memory:
    """In bytes: the most so far, and what is allowed; ``ends`` counts how often the container was ended."""

    resident: int
    """Of the largest process."""
    peak: int
    """Of the whole container, pages of files included: the kernel takes those back when others want room."""
    limit: int
    ends: int

    @property
    def bearable(self) -> bool:
        """Tell whether the process keeps away from its limit."""
        return self.resident <= RESIDENT_SHARE * self.limit


def memory(namespace: str, pod: JsonObject, container: str) -> Memory | None:
    """Return what the container holds; None when it does not run (any more)."""
    command = ["exec", "--namespace", namespace, name_of(pod), "--container", container]
    done = _run([*command, "--", "sh", "-c", _SCRIPT])
    words = done.stdout.split("\n")
    resident = [int(line.split()[1]) * 1024 for line in words if line.startswith("VmHWM:")]
    if done.returncode != 0 or not resident:
        return None
    limit = int(words[1]) if words[1].isdecimal() else _UNLIMITED
    return Memory(max(resident), int(words[0]), limit, ends(pod, container))


def ends(pod: JsonObject, container: str) -> int:
    """Return how often the container was started again, and one more where it was ended for its memory."""
    statuses = cast("list[JsonObject]", member(pod, "status", "containerStatuses") or [])
    found = next((one for one in statuses if one["name"] == container), None)
    if found is None:
        return 0
    killed = member(found, "state", "terminated", "reason") == "OOMKilled"
    return cast("int", found["restartCount"]) + killed


def last_end(pod: JsonObject, container: str) -> str:
    """Return how the container ended last: "OOMKilled", or "exit code 3" of a controller that lost its Lease."""
    statuses = cast("list[JsonObject]", member(pod, "status", "containerStatuses") or [])
    found = next((one for one in statuses if one["name"] == container), {})
    reason = str(member(found, "lastState", "terminated", "reason") or "Error")
    code = member(found, "lastState", "terminated", "exitCode")
    return reason if reason != "Error" else f"exit code {code}"


def kubectl(*arguments: str, given: str | None = None) -> str:
    """Return what kubectl prints; ends the program when it fails."""
    done = _run([*arguments], given)
    if done.returncode != 0:
        sys.exit(f"error: kubectl {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def _run(arguments: list[str], given: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["kubectl", *arguments], input=given, capture_output=True, text=True, check=False)
