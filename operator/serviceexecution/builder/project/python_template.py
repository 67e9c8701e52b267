"""The Dockerfile of a Python project, as text. It has few instructions: each costs buildah seconds.

Stages: ``build`` installs and copies, ``check`` asks the launcher whether the project can run, ``report`` holds its
answer, ``image`` is what is pushed. What configures the package index comes by mounts that exist while the requirements
are installed, so that nothing of it is in a layer, in the history or in the log.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from serviceexecution.builder.project.python_project import PACKAGE, REQUIREMENTS, PythonProject
from serviceexecution.builder.request import PythonBuild

REPORT_TARGET: Final = "report"
IMAGE_TARGET: Final = "image"
REPORT_FILE: Final = "report.json"
REQUIREMENT_OF: Final = {"qhub-commons": "qhub-commons>=1.2,<2", "planqk-commons": "planqk-commons>=1.32,<2"}
"""What is installed of the libraries when a project does not say."""
USER: Final = 65532

_HOME: Final = f"/app/{PACKAGE}"
_PYTHON: Final = "/opt/venv/bin/python"
_MOUNTS: Final = "/run/build"
_CACHE: Final = "/var/cache/uv"
# By id of the secret: the variables that are set to its file
SECRET_VARIABLES: Final = {
    "uv.toml": ("UV_CONFIG_FILE",),
    "netrc": ("NETRC",),
    "ca.crt": ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
}
ENVIRONMENT_SECRET: Final = "environment"  # noqa: S105 - a name
"""Id of a secret with lines NAME='value' for the shell."""


@dataclass(frozen=True, slots=True)
class Template:
    """What the text is made from. ``secrets`` are ids of SECRET_VARIABLES, or ENVIRONMENT_SECRET."""

    build: PythonBuild
    project: PythonProject
    secrets: Collection[str]


def dockerfile(template: Template) -> str:
    """Return the Dockerfile's text."""
    project = template.project
    copies = [_copy(file) for file in project.requirement_files]
    everything = f"COPY . {_HOME}"
    before, after = ([everything], []) if project.needs_project else (copies, [everything])
    lines = [
        f"FROM {template.build.base_image} AS build",
        *before,
        _install(template),
        *after,
        # A file that cannot be compiled is the check's to report
        f"RUN {_PYTHON} -I -m compileall -q {_HOME} > /dev/null 2>&1 || true",
        "",
        "FROM build AS check",
        _check(template.build.entry_point),
        "",
        f"FROM scratch AS {REPORT_TARGET}",
        f"COPY --from=check /{REPORT_FILE} /{REPORT_FILE}",
        "",
        f"FROM build AS {IMAGE_TARGET}",
        f"ENV ENTRYPOINT={template.build.entry_point}",
        f"USER {USER}:{USER}",
        f'ENTRYPOINT ["{_PYTHON}", "-m", "serviceexecution.launcher"]',
        "CMD []",
    ]
    return "\n".join(lines) + "\n"


def _check(entry_point: str) -> str:
    options = f"--source {_HOME} --entry-point {entry_point} --report /{REPORT_FILE}"
    return f"RUN {_PYTHON} -m serviceexecution.launcher.check {options}"


def _copy(file: str) -> str:
    return f'COPY ["{_escaped(file)}", "{_HOME}/{_escaped(file)}"]'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")


def _install(template: Template) -> str:
    mounts = [f"--mount=type=cache,target={_CACHE}"]
    words, variables = [f"cd {_HOME} &&"], []
    for secret in sorted(template.secrets):
        target = f"{_MOUNTS}/{secret}"
        mounts.append(f"--mount=type=secret,id={secret},target={target}")
        if secret == ENVIRONMENT_SECRET:
            words.append(f"set -a && . {target} && set +a &&")
        variables += [f"{variable}={target}" for variable in SECRET_VARIABLES.get(secret, ())]
    variables.append(f"UV_CACHE_DIR={_CACHE}")
    wanted = ["--requirement", REQUIREMENTS]
    wanted += [shlex.quote(REQUIREMENT_OF[library]) for library in template.project.libraries]
    if template.build.all_indexes:
        variables.append("UV_INDEX_STRATEGY=unsafe-best-match")
    words += ["export", *variables, "&&"]
    words += ["uv", "pip", "install", "--python", _PYTHON, "--no-progress", "--color", "never", *wanted]
    # pip asks all indexes: what another one offers must not be taken because the first one failed
    if template.project.one_index or template.build.all_indexes:
        words += ["||", f"{_PYTHON} -I -m serviceexecution.launcher.pip_install", *wanted]
    return (
        " \\\n    ".join(["RUN", *mounts]).replace("RUN \\\n    ", "RUN ", 1) + " \\\n    " + " ".join(words)
    )
