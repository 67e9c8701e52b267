"""``sx serve``: the project here behind the Service API on this machine, without a cluster."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from serviceexecution.cli.console import note
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.options import ProjectArgument

_PROGRAM: Final = "serviceexecution.local.main"
_ANEW: Final = 75
"""Exit code by which the program asks to be started again."""
_LIBRARIES: Final = ("qhub.commons", "planqk.commons")


def serve(
    directory: ProjectArgument = Path(),
    port: Annotated[
        int, typer.Option("--port", "-p", metavar="PORT", min=0, max=65535, help="Port; 0 for a free one.")
    ] = 8081,
    python: Annotated[
        str,
        typer.Option(
            "--python",
            metavar="PYTHON",
            help="Python that has the project's requirements; .venv of the project by default.",
        ),
    ] = "",
    pool: Annotated[
        list[str] | None,
        typer.Option(
            "--pool", metavar="ID=FOLDER", help="ID=FOLDER: the folder stands for the data pool of this id."
        ),
    ] = None,
    at_once: Annotated[
        int,
        typer.Option(
            "--max",
            metavar="NUMBER",
            min=1,
            max=64,
            help="How many executions run at the same time; others wait.",
        ),
    ] = 2,
    name: Annotated[
        str,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Name of the service; by default the one in sx.yaml, else the folder's.",
        ),
    ] = "",
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", metavar="NAMESPACE", help="Namespace in the URL.")
    ] = "local",
) -> None:
    """Serve the project on this machine, without a cluster.

    It must be a Python project, and is called by the same Service API as in a cluster. Each execution is a process of
    its own that gets what a container gets: input files, secrets, data pools, an output folder. The next execution runs
    what was changed. Everybody on this machine may call the service, and what it keeps goes when it ends. Secrets of
    the service are the variables SECRET_* of this command.

    \b
    Examples:
      sx serve
      sx serve services/plot --port 9000 --pool readings=data/readings
      curl http://127.0.0.1:8081/services/local/plot/ -H 'Content-Type: application/json' -d @input.json
    """
    if find_spec("serviceexecution.local") is None:
        raise CommandError(
            "sx serve needs the whole package, which this one file leaves out: pip install it from a checkout."
        )
    pools = _pools(pool or ())
    while True:
        command = [sys.executable, "-m", _PROGRAM]
        wish = _wish(directory.resolve(), python, name, namespace)
        wish |= {"port": port, "atOnce": at_once, "pools": pools}
        code = _run([*command, json.dumps(wish)])
        if code != _ANEW:
            raise typer.Exit(code)
        note("sx.yaml, or a file that is read beside it, has changed: the service starts anew.")


def _wish(folder: Path, python: str, name: str, namespace: str) -> dict[str, object]:
    from serviceexecution.cli.project.names import checked_name
    from serviceexecution.cli.project.plan import ENTRY_POINT, RuntimeKind, make_plan
    from serviceexecution.cli.project.whole import PROJECT_FILES, read_project
    from serviceexecution.contract.json_types import object_at

    whole = read_project(folder)
    for line in whole.said:
        note(line)
    project = whole.file
    plan = make_plan(folder, project, name=name, convention=whole.runtime)
    if plan.kind is not RuntimeKind.PYTHON or plan.git is not None:
        raise CommandError(
            "sx serve runs Python projects of a folder: containers need a container engine. Use sx deploy for this one."
        )
    runtime = object_at(project.spec, "runtime", "python")
    sub_path = str(object_at(project.spec, "source").get("subPath") or "")
    source = folder / sub_path
    return {
        "folder": str(source),
        "settings": [str(folder / file) for file in PROJECT_FILES],
        "python": str(_python(source, python)),
        "entryPoint": str(runtime.get("entryPoint") or ENTRY_POINT),
        "namespace": checked_name(namespace, field="--namespace"),
        "name": plan.name,
        "spec": {key: value for key, value in project.spec.items() if key not in {"runtime", "source"}},
    }


def _python(folder: Path, wanted: str) -> Path:
    """Return the Python that runs the project; raises CommandError when it lacks the library."""
    found = [Path(wanted)] if wanted else []
    found += [
        folder / ".venv" / "bin" / "python",
        Path(os.environ.get("VIRTUAL_ENV") or ".venv") / "bin" / "python",
    ]
    python = next((one for one in found if one.is_file()), Path(sys.executable) if not wanted else None)
    if python is None:
        raise CommandError(f"--python: {wanted} is no Python interpreter.")
    tries = "\n".join(
        f"try:\n import {library}\n raise SystemExit\nexcept ImportError: pass" for library in _LIBRARIES
    )
    done = subprocess.run([python, "-c", f"{tries}\nraise SystemExit(1)"], capture_output=True, check=False)
    if done.returncode:
        requirements = " -r requirements.txt" if (folder / "requirements.txt").is_file() else ""
        raise CommandError(
            f"{python} lacks qhub-commons, which calls run(): python3 -m venv {folder}/.venv && "
            f"{folder}/.venv/bin/pip install qhub-commons{requirements}"
        )
    return python.absolute()


def _pools(options: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for option in options:
        identifier, equals, folder = option.partition("=")
        path = Path(folder).expanduser()
        if not (identifier and equals and path.is_dir()):
            raise CommandError(f"--pool must be ID=FOLDER with a folder that exists, not {option!r}.")
        found[identifier] = str(path.resolve())
    return found


def _run(command: list[str]) -> int:
    """Run the server until it ends. It is in no group of the terminal's: Ctrl-C ends it in order, and what it runs."""
    path = str(Path(__file__).parents[3])
    known = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{known}" if known else path}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.terminate()
