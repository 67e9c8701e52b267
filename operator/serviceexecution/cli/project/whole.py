"""All that a folder says of its service: sx.yaml, and where that is silent the files of the platform's projects."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.project.platform_file import (
    PLATFORM_FILES,
    convention,
    read_platform_file,
    with_platform_file,
)
from serviceexecution.cli.project.platform_openapi import OPENAPI_FILES, read_openapi
from serviceexecution.cli.project.project_file import PROJECT_FILE, ProjectFile, read_project_file
from serviceexecution.contract.json_types import JsonObject

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


def read_project(folder: Path, *, with_output_schema: bool = False) -> WholeProject:
    """Return what the folder says; raises CommandError that names file, field and fix.

    ``with_output_schema``: the schema of results is also taken from the platform's file, which must have one.
    """
    own = read_project_file(folder)
    platform = read_platform_file(folder)
    whole = WholeProject(with_platform_file(own, platform), convention(folder, platform), platform.said)
    wanted = with_output_schema and "outputSchema" not in own.spec
    if "inputSchema" in own.spec and not wanted:
        return whole
    found = read_openapi(folder)
    schema = None if found is None or "inputSchema" in own.spec else found.input_schema()
    if found is not None and schema is not None:
        said = f"{found.name}: inputs are checked by its schema; spec.inputSchema of sx.yaml counts instead of it."
        whole = _with(whole, "inputSchema", schema, said)
    if wanted:
        schema = None if found is None else found.output_schema()
        if found is None or schema is None:
            raise CommandError(
                "--output-schema: there is no openapi-spec.yml with the answer 200 of a path that ends in /result; "
                "write spec.outputSchema in sx.yaml."
            )
        said = f"{found.name}: results are checked by its schema; a run whose result does not fit fails."
        whole = _with(whole, "outputSchema", schema, said)
    return whole


def _with(whole: WholeProject, field: str, schema: JsonObject, said: str) -> WholeProject:
    file = replace(whole.file, spec={**whole.file.spec, field: schema})
    return replace(whole, file=file, said=(*whole.said, said))
