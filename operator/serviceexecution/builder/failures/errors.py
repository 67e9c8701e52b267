"""Why a build failed: a word from a closed list, a sentence for people, and the instruction."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

_SECOND_END: Final = re.compile(r"(?<=[?!…])\.$")


class Reason(StrEnum):
    """The reasons of a report, as the controller knows them."""

    SUCCEEDED = "Succeeded"
    SOURCE_MISSING = "SourceMissing"
    SOURCE_INVALID = "SourceInvalid"
    SOURCE_TOO_LARGE = "SourceTooLarge"
    GIT_FAILED = "GitFailed"
    DOCKERFILE_MISSING = "DockerfileMissing"
    DOCKERFILE_INVALID = "DockerfileInvalid"
    BASE_IMAGE_NOT_FOUND = "BaseImageNotFound"
    REQUIREMENT_NOT_FOUND = "RequirementNotFound"
    REQUIREMENTS_CONFLICT = "RequirementsConflict"
    INSTALL_FAILED = "InstallFailed"
    SYNTAX_ERROR = "SyntaxError"
    ENTRY_POINT_MISSING = "EntryPointMissing"
    IMPORT_FAILED = "ImportFailed"
    SIGNATURE_INVALID = "SignatureInvalid"
    STEP_FAILED = "StepFailed"
    IMAGE_TOO_LARGE = "ImageTooLarge"
    REGISTRY_UNAVAILABLE = "RegistryUnavailable"
    REGISTRY_REFUSED = "RegistryRefused"
    REGISTRY_FULL = "RegistryFull"
    BUILDER_FAILED = "BuilderFailed"


class BuildError(Exception):
    """The build ends here. ``step`` is the instruction that failed, where there is one."""

    def __init__(self, reason: Reason, message: str, step: str = "") -> None:
        message = _SECOND_END.sub("", message)
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.step = step
