"""The installation's settings of builds, from the variable SX_BUILDS."""

import json
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from serviceexecution.contract.durations import parse_duration
from serviceexecution.contract.quantities import parse_quantity
from serviceexecution.process.settings import SettingsError
from serviceexecution.resources.pod_fields import ResourceRequirements

VARIABLE: Final = "SX_BUILDS"
VERSION: Final = "{version}"

_Text = Annotated[str, StringConstraints(min_length=1)]


class Builder(StrEnum):
    """What builds images."""

    BUILDKIT = "buildkit"
    BUILDAH = "buildah"


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )


class RegistrySettings(_Settings):
    """Where images are kept."""

    address: _Text
    """As nodes pull: host, port and perhaps a path."""
    push_address: str = ""
    """As pods push; the address when empty."""
    insecure: bool = False
    """Whether the registry is spoken to over plain HTTP."""
    credentials_secret: str = ""
    """Secret of type kubernetes.io/dockerconfigjson in each namespace that builds, for push and pull."""
    mirrors: dict[str, str] = Field(default_factory=dict)
    """By registry, where its images are looked for first."""

    @property
    def push(self) -> str:
        """Return the address that builds push to."""
        return self.push_address or self.address

    @property
    def push_host(self) -> str:
        """Return host and port of the address that builds push to."""
        return self.push.partition("/")[0]


class BuildLimits(_Settings):
    """The most that one build may be."""

    archive: int = 100 * 1024**2
    """Most bytes of an uploaded archive."""
    context: int = 1024**3
    """Most bytes of an unpacked source."""
    files: Annotated[int, Field(ge=1)] = 50_000
    """Most files and folders of an unpacked source."""
    image: int = 8 * 1024**3
    """Most bytes of an image's layers."""

    @field_validator("archive", "context", "image", mode="before")
    @classmethod
    def _bytes(cls, value: object) -> int:
        return parse_quantity(value if isinstance(value, int) else str(value), field="it")


class BuildsSettings(_Settings):
    """How this installation builds images."""

    builder: Literal["auto", "buildkit", "buildah"] = "auto"
    """What builds; auto: buildah where a namespace enforces restricted, else BuildKit."""
    image: _Text
    """The builder's image."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """The imagePullPolicy of the builder's image."""
    python_image: Annotated[str, StringConstraints(pattern=r"^[^{}]*\{version\}[^{}]*$")]
    """The image that Python projects are built on, with {version} in place of Python's."""
    registry: RegistrySettings
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 4
    """Most builds at a time, of the whole installation."""
    timeout: float = 1800
    """How long a build may take from its start."""
    limits: BuildLimits = BuildLimits()
    resources: ResourceRequirements = ResourceRequirements()
    """Resource requirements of a build's pod."""
    namespaces: tuple[str, ...] = ()
    """The namespaces that may build; none: all that are watched."""
    seccomp_profile: str = ""
    """Path of a profile below the kubelet's folder of profiles, on every node."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Variables of the tools and of RUN instructions, such as HTTPS_PROXY."""

    @field_validator("timeout", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> float:
        return parse_duration(value if isinstance(value, int) else str(value), field="it")

    def python_base(self, version: str) -> str:
        """Return the image that a project for that version of Python is built on."""
        return self.python_image.replace(VERSION, version)

    def allows(self, namespace: str) -> bool:
        """Tell whether services of the namespace are built."""
        return not self.namespaces or namespace in self.namespaces


def read_builds(text: str) -> BuildsSettings | None:
    """Return the settings of builds, None when this installation builds nothing; raises SettingsError."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{VARIABLE} must be a JSON object: {error}") from None
    if value == {}:
        return None
    try:
        return BuildsSettings.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the object"
        raise SettingsError(f"{VARIABLE}: {where}: {first['msg']}") from None
