"""Writes images/builder/seccomp.json: `python3 -m tools.seccomp_profile`, on a machine with Debian's buildah.

The rules that Debian's /usr/share/containers/seccomp.json gives to a container without any capability, and the calls
with which a builder makes user namespaces, mounts and roots of its own for RUN lines. What these calls may do is still
decided by the kernel: without privileges they work only inside a user namespace.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

SOURCE: Final = Path("/usr/share/containers/seccomp.json")
TARGET: Final = Path(__file__).parent.parent / "images" / "builder" / "seccomp.json"
ARCHITECTURES: Final = ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32")
_SHORT_NAMES: Final = {"amd64", "x86", "x32"}
FREE: Final = (
    *(
        "clone",
        "clone3",
        "unshare",
        "setns",
        "chroot",
        "pivot_root",
        "keyctl",
        "sethostname",
        "setdomainname",
    ),
    *("mount", "mount_setattr", "move_mount", "umount", "umount2", "open_tree"),
    *("fsopen", "fsconfig", "fsmount", "fspick"),
    # useradd refuses to work when it cannot see whether the kernel audits.
    "socket",
)


def profile(source: dict[str, Any]) -> dict[str, Any]:
    """The profile in the form that a runtime takes, from one in the form with conditions."""
    rules = [rule for rule in map(_unconditional, source["syscalls"]) if rule is not None]
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "architectures": list(ARCHITECTURES),
        "syscalls": [*rules, {"names": sorted(FREE), "action": "SCMP_ACT_ALLOW"}],
    }


def _unconditional(rule: dict[str, Any]) -> dict[str, Any] | None:
    included, excluded = rule.get("includes") or {}, rule.get("excludes") or {}
    wanted = included.get("arches")
    if (
        rule["action"] != "SCMP_ACT_ALLOW"
        or included.get("caps")
        or (wanted and not _SHORT_NAMES.intersection(wanted))
        or "amd64" in excluded.get("arches", [])
    ):
        return None
    names = [name for name in rule["names"] if name not in FREE]
    if not names:
        return None
    result: dict[str, Any] = {"names": names, "action": rule["action"]}
    if rule.get("args"):
        kept = ({name: value for name, value in arg.items() if value is not None} for arg in rule["args"])
        result["args"] = list(kept)
    return result


if __name__ == "__main__":
    TARGET.write_text(json.dumps(profile(json.loads(SOURCE.read_text())), indent=1) + "\n")
    sys.exit(0)
