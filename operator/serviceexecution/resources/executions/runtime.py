"""What runs: a container image, or an image that is built from the source of a service."""

from typing import Annotated, Final, Literal

from pydantic import Field

from serviceexecution.resources.executions.execution_settings import SubPath
from serviceexecution.resources.model import ResourceModel
from serviceexecution.resources.pod_fields import LocalObjectReference

ImageName = Annotated[str, Field(min_length=1, max_length=1024)]
_WORD: Final = "[A-Za-z_][A-Za-z0-9_]*"
_ENTRY_POINT: Final = f"^{_WORD}([.]{_WORD})*:{_WORD}$"
BuildName = Annotated[str, Field(min_length=1, max_length=253)]


class ContainerCommand(ResourceModel):
    """How the program of an image is started; by its own entry point unless said otherwise."""

    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the node pulls the image. Defaults to Always for the tag latest, else to IfNotPresent."""
    command: Annotated[tuple[Annotated[str, Field(max_length=131072)], ...], Field(max_length=256)] | None = (
        None
    )
    """Replaces the image's ENTRYPOINT."""
    args: Annotated[tuple[Annotated[str, Field(max_length=131072)], ...], Field(max_length=256)] | None = None
    """Replaces the image's CMD."""
    working_dir: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """Replaces the image's working directory; many images read files relative to theirs, so leave it out."""


class DockerRuntime(ContainerCommand):
    """Any container image, started with its own entry point."""

    image: ImageName
    """The image, best by digest or a fixed tag."""


class Runtime(ResourceModel):
    """What runs."""

    docker: DockerRuntime
    """A container image."""


class DockerBuild(ResourceModel):
    """How the image is built from the service's source, by a Dockerfile."""

    dockerfile: SubPath = "Dockerfile"
    """Path of the Dockerfile in the source. Defaults to Dockerfile."""
    target: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """Stage of the Dockerfile that becomes the image. Defaults to the last one."""
    args: Annotated[dict[BuildName, Annotated[str, Field(max_length=4096)]], Field(max_length=64)] | None = (
        None
    )
    """Build arguments (ARG). Everybody who may read the service sees them: secrets go into secrets."""
    secrets: Annotated[dict[BuildName, LocalObjectReference], Field(max_length=16)] | None = None
    """Secrets for RUN --mount=type=secret,id=<name>: each names a Secret whose key value is given."""


class BuiltDockerRuntime(ContainerCommand):
    """A container image that exists, or one that is built: give either image or build."""

    image: ImageName | None = None
    """The image, best by digest or a fixed tag."""
    build: DockerBuild | None = None
    """Builds the image from spec.source by a Dockerfile."""


class PythonRuntime(ResourceModel):
    """A Python project: requirements.txt and src/program.py with a function run()."""

    version: Literal["3.11", "3.12", "3.13"] = "3.11"
    """Version of Python. Defaults to 3.11."""
    entry_point: Annotated[
        str,
        Field(
            max_length=253,
            json_schema_extra={
                "x-kubernetes-validations": [
                    {
                        "rule": f"self.matches('{_ENTRY_POINT}')",
                        "message": "must be a module and a function such as user_code.src.program:run",
                    }
                ]
            },
        ),
    ] = "user_code.src.program:run"
    """Module and function that a run calls; the project is the package user_code."""
    package_index: LocalObjectReference | None = None
    """Secret with settings of the package index, only for the build: uv.toml, netrc, ca.crt."""
    index_strategy: Literal["FirstIndex", "BestMatch"] | None = None
    """Where a package comes from when the requirements name several indexes. FirstIndex: from the first one that has
    it, so that nobody can put a package of the same name and a higher version into another index. BestMatch: the
    best version of all indexes, as pip takes it, for indexes that are all trusted alike. Defaults to FirstIndex.
    """


class ServiceRuntime(ResourceModel):
    """What runs for a service: give either docker or python."""

    docker: BuiltDockerRuntime | None = None
    """A container image."""
    python: PythonRuntime | None = None
    """A Python project in spec.source that is turned into an image."""
