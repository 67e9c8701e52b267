"""``sx init``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from serviceexecution.cli.console import say, say_json
from serviceexecution.cli.options import Output, OutputOption
from serviceexecution.contract.json_types import JsonValue


class Starter(StrEnum):
    """Kinds of starter projects."""

    PYTHON = "python"
    DOCKER = "docker"


def init(
    kind: Annotated[
        Starter,
        typer.Argument(
            metavar="python|docker",
            help="What kind of project: Python, or any language by a Dockerfile.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the service.", show_default=False)],
    directory: Annotated[
        Path | None,
        typer.Option(
            "--directory", metavar="DIR", help="Folder to create it in; a new folder NAME by default."
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a starter project that is ready to deploy, with a test.

    \b
    Examples:
      sx init python plot
      sx init docker words --directory services/words
    """
    from serviceexecution.cli.project.names import checked_name
    from serviceexecution.cli.project.scaffold import create_project

    checked_name(name, field="NAME")
    folder = directory or Path(name)
    made = create_project(kind.value, name, folder)
    if output is Output.JSON:
        files: list[JsonValue] = [str(folder / path) for path in made]
        say_json({"name": name, "directory": str(folder), "files": files})
        return
    for path in made:
        say(f"  {folder / path}")
    say(f"Next: cd {folder} && sx deploy && sx run {name} -d @input.json")
