"""All that a folder says of its service: sx.yaml, and where that is silent the files of the platform's projects."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from serviceexecution.cli.project.platform_file import (
    PLATFORM_FILES,
    convention,
    read_platform_file,
    with_platform_file,
)
from serviceexecution.cli.project.platform_openapi import OPENAPI_FILES, read_input_schema
from serviceexecution.cli.project.project_file import PROJECT_FILE, ProjectFile, read_project_file

PROJECT_FILES: Final = (PROJECT_FILE, *PLATFORM_FILES, *OPENAPI_FILES)
"""All that are read."""


@dataclass(frozen=True, slots=True)
class WholeProject:
    """What is deployed, and what to say of it."""

    file: ProjectFile
    """sx.yaml with what the others add."""
    runtime: str = ""
    """python or docker, where the platform's files or its convention say it; sx.yaml and --runtime count first."""
    said: tuple[str, ...] = ()
    """What was taken from the platform's files."""


def read_project(folder: Path) -> WholeProject:
    """Return what the folder says; raises CommandError that names file, field and fix."""
    own = read_project_file(folder)
    platform = read_platform_file(folder)
    whole = WholeProject(with_platform_file(own, platform), convention(folder, platform), platform.said)
    if "inputSchema" in own.spec:
        return whole
    schema, name = read_input_schema(folder)
    if schema is None:
        return whole
    file = replace(whole.file, spec={**whole.file.spec, "inputSchema": schema})
    said = f"{name}: inputs are checked by its schema; spec.inputSchema of sx.yaml counts instead of it."
    return replace(whole, file=file, said=(*whole.said, said))
