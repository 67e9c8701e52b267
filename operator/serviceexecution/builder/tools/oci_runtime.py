"""Stands before the OCI runtime of a build: gives every RUN step the installation's certificates, then becomes the
real runtime. Run as a file: ``python3 -I -S runtime.py``.

What it mounts lies below /dev, a file system of the container's own, so that nothing of it gets into a layer.
"""

from __future__ import annotations

import json
import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

RUNTIME_VARIABLE: Final = "SX_BUILD_RUNTIME"
"""The real runtime."""
CERTIFICATES_VARIABLE: Final = "SX_BUILD_CA"
"""A file with certificates, or empty."""
APT_VARIABLE: Final = "SX_BUILD_APT_CONF"
"""A file with settings of apt, or empty."""

_CERTIFICATES: Final = "/dev/serviceexecution/ca.crt"
_APT: Final = "/dev/serviceexecution/apt.conf"
_SYSTEM_CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
_NAMES: Final = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)
# They may write the system's file anew, which cannot be while something is mounted there
_PACKAGE_MANAGERS: Final = re.compile(
    r"\b(apt|apt-get|dpkg|apk|dnf|microdnf|yum|zypper|pacman)\b|ca-cert|update-ca"
)


def amended(config: dict[str, Any], root: str, certificates: str, apt: str) -> dict[str, Any]:
    """Return a runtime configuration (config.json of an OCI bundle) with the mounts and variables added."""
    process = config["process"]
    mounts, variables = list(config.get("mounts") or ()), list(process.get("env") or ())
    present = {variable.partition("=")[0] for variable in variables}
    if certificates:
        mounts.append(_mount(certificates, _CERTIFICATES))
        command = " ".join(process.get("args") or ())
        # For programs that read no variable, such as those that are linked with GnuTLS
        if os.path.isfile(root + _SYSTEM_CERTIFICATES) and not _PACKAGE_MANAGERS.search(command):  # noqa: PTH113
            mounts.append(_mount(certificates, _SYSTEM_CERTIFICATES))
        variables += [f"{name}={_CERTIFICATES}" for name in _NAMES if name not in present]
    if apt and os.path.isdir(f"{root}/etc/apt") and "APT_CONFIG" not in present:  # noqa: PTH112
        mounts.append(_mount(apt, _APT))
        variables.append(f"APT_CONFIG={_APT}")
    return {**config, "mounts": mounts, "process": {**process, "env": variables}}


def bundle_of(arguments: Sequence[str]) -> str | None:
    """Return the bundle of a runtime's command that makes a container, None for other commands."""
    if "create" not in arguments and "run" not in arguments:
        return None
    for number, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name in {"--bundle", "-b"}:
            return value if equals else arguments[number + 1] if number + 1 < len(arguments) else None
    return None


def apt_settings(certificates: str, *, single_user: bool) -> str:
    """Return the text of apt's settings. Where one user exists, apt must not change to its own."""
    lines = [f'Acquire::https::CaInfo "{_CERTIFICATES}";'] if certificates else []
    if single_user:
        lines.append('APT::Sandbox::User "root";')
    return "".join(f"{line}\n" for line in lines)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Amend the bundle, and become the real runtime."""
    bundle = bundle_of(arguments)
    if bundle is not None:
        path = f"{bundle}/config.json"
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes time at each step
            config = json.load(file)
        root = os.path.join(bundle, config["root"]["path"])  # noqa: PTH118
        certificates = environment.get(CERTIFICATES_VARIABLE, "")
        config = amended(config, root, certificates, environment.get(APT_VARIABLE, ""))
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(config, file)
    runtime = environment[RUNTIME_VARIABLE]
    os.execv(runtime, [runtime, *arguments])  # noqa: S606 - no shell is wanted


def _mount(source: str, destination: str) -> dict[str, Any]:
    return {"destination": destination, "type": "bind", "source": source, "options": ["bind", "ro"]}


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
