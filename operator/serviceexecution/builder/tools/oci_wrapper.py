"""Puts ``oci_runtime.py`` before the OCI runtime of a tool."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.tools import oci_runtime


@dataclass(frozen=True, slots=True)
class Wrapper:
    """What a tool takes for its runtime, and the variables that it must start with."""

    program: Path
    environment: dict[str, str]


def write_wrapper(directory: Path, real: str, ca_file: Path | None, *, single_user: bool) -> Wrapper | None:
    """Write what is needed; None when the runtime can do without. Raises BuildError when there is no such runtime."""
    certificates = str(ca_file) if ca_file is not None else ""
    settings = oci_runtime.apt_settings(certificates, single_user=single_user)
    if not settings:
        return None
    found = shutil.which(real)
    if found is None:
        raise BuildError(Reason.BUILDER_FAILED, f"The builder's image has no program {real}.")
    apt = directory / "apt.conf"
    apt.write_text(settings, "utf-8")
    program = directory / "runtime"
    file = Path(oci_runtime.__file__).resolve()
    program.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S {shlex.quote(str(file))} "$@"\n', "utf-8"
    )
    program.chmod(0o755)
    return Wrapper(
        program,
        {
            oci_runtime.RUNTIME_VARIABLE: found,
            oci_runtime.CERTIFICATES_VARIABLE: certificates,
            oci_runtime.APT_VARIABLE: str(apt),
        },
    )
