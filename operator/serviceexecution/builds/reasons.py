"""The closed list of reasons of builds: one word and one sentence each, whose turn it is, and what is tried again."""

from enum import StrEnum
from typing import Final

from serviceexecution.resources.meaning import Meaning, Owner, one_line


class BuildReason(StrEnum):
    """Why a revision is in its phase."""

    # Waiting
    SOURCE_MISSING = "SourceMissing"
    QUEUED = "Queued"
    # Building
    STARTING = "Starting"
    BUILDING = "Building"
    # Ended as asked
    SUCCEEDED = "Succeeded"
    CANCELLED = "Cancelled"
    SUPERSEDED = "Superseded"
    # The source
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
    OUT_OF_MEMORY = "OutOfMemory"
    TIMEOUT = "Timeout"
    # What the definition names
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105
    SECRET_KEY_NOT_FOUND = "SecretKeyNotFound"  # noqa: S105
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound"
    VOLUME_CLAIM_NOT_FOUND = "VolumeClaimNotFound"
    SERVICE_ACCOUNT_NOT_FOUND = "ServiceAccountNotFound"
    POD_REFUSED = "PodRefused"
    # The registry
    REGISTRY_UNAVAILABLE = "RegistryUnavailable"
    REGISTRY_REFUSED = "RegistryRefused"
    REGISTRY_FULL = "RegistryFull"
    # The cluster
    NO_BUILDER = "NoBuilder"
    BUILDER_FAILED = "BuilderFailed"
    INVALID_IMAGE_NAME = "InvalidImageName"
    IMAGE_NOT_FOUND = "ImageNotFound"
    IMAGE_PULL_FORBIDDEN = "ImagePullForbidden"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    START_FAILED = "StartFailed"
    START_TIMEOUT = "StartTimeout"
    UNSCHEDULABLE = "Unschedulable"
    VOLUME_NOT_BOUND = "VolumeNotBound"
    QUOTA_EXCEEDED = "QuotaExceeded"
    WEBHOOK_FAILED = "WebhookFailed"
    EVICTED = "Evicted"
    POD_LOST = "PodLost"


_U, _P, _Q = Owner.USER, Owner.PLATFORM, Owner.QUOTA
MEANINGS: Final[dict[BuildReason, Meaning]] = {
    BuildReason.SOURCE_MISSING: Meaning("The source has not been uploaded to the gateway.", _U),
    BuildReason.QUEUED: Meaning("The build waits until other builds have ended.", _Q),
    BuildReason.STARTING: Meaning("The pod of the build is being started.", _P),
    BuildReason.BUILDING: Meaning("The image is being built.", _U),
    BuildReason.SUCCEEDED: Meaning("The image was built.", _U),
    BuildReason.CANCELLED: Meaning("The build was cancelled.", _U),
    BuildReason.SUPERSEDED: Meaning("Something newer is to be built.", _U),
    BuildReason.SOURCE_INVALID: Meaning("The source cannot be unpacked safely.", _U),
    BuildReason.SOURCE_TOO_LARGE: Meaning("The source is larger than the installation allows.", _U),
    BuildReason.GIT_FAILED: Meaning("The Git repository could not be read.", _U),
    BuildReason.DOCKERFILE_MISSING: Meaning("The source has no Dockerfile where the definition says.", _U),
    BuildReason.DOCKERFILE_INVALID: Meaning("The Dockerfile cannot be read.", _U),
    BuildReason.BASE_IMAGE_NOT_FOUND: Meaning("An image that the build is based on does not exist.", _U),
    BuildReason.REQUIREMENT_NOT_FOUND: Meaning("A requirement does not exist in the package index.", _U),
    BuildReason.REQUIREMENTS_CONFLICT: Meaning("The requirements exclude each other.", _U),
    BuildReason.INSTALL_FAILED: Meaning("The requirements could not be installed.", _U),
    BuildReason.SYNTAX_ERROR: Meaning("A file of the project is no valid Python.", _U),
    BuildReason.ENTRY_POINT_MISSING: Meaning("The project has no function where the entry point says.", _U),
    BuildReason.IMPORT_FAILED: Meaning("The project's entry point cannot be imported.", _U),
    BuildReason.SIGNATURE_INVALID: Meaning("The entry point's function cannot be called with an input.", _U),
    BuildReason.STEP_FAILED: Meaning("An instruction of the Dockerfile failed.", _U),
    BuildReason.IMAGE_TOO_LARGE: Meaning("The image is larger than the installation allows.", _U),
    BuildReason.OUT_OF_MEMORY: Meaning("The build used more memory than its limit and was killed.", _U),
    BuildReason.TIMEOUT: Meaning("The build took longer than its timeout and was stopped.", _U),
    BuildReason.SECRET_NOT_FOUND: Meaning("A Secret that the build needs does not exist.", _U),
    BuildReason.SECRET_KEY_NOT_FOUND: Meaning("A Secret that the build needs lacks a key.", _U),
    BuildReason.CONFIG_MAP_NOT_FOUND: Meaning("A ConfigMap or a key of it does not exist.", _U),
    BuildReason.VOLUME_CLAIM_NOT_FOUND: Meaning(
        "The PersistentVolumeClaim that spec.build.cache names does not exist.", _U
    ),
    BuildReason.SERVICE_ACCOUNT_NOT_FOUND: Meaning("The namespace has no ServiceAccount default.", _P),
    BuildReason.POD_REFUSED: Meaning("The namespace's rules refuse the pod of the build.", _P),
    BuildReason.REGISTRY_UNAVAILABLE: Meaning("The image registry does not answer.", _P),
    BuildReason.REGISTRY_REFUSED: Meaning("The image registry refuses the image.", _P),
    BuildReason.REGISTRY_FULL: Meaning("The image registry has no room for the image.", _P),
    BuildReason.NO_BUILDER: Meaning("Nothing can build images here.", _P),
    BuildReason.BUILDER_FAILED: Meaning("The builder failed.", _P),
    BuildReason.INVALID_IMAGE_NAME: Meaning("The name of the builder's image is no valid reference.", _P),
    BuildReason.IMAGE_NOT_FOUND: Meaning("The builder's image does not exist in its registry.", _P),
    BuildReason.IMAGE_PULL_FORBIDDEN: Meaning("The registry refuses access to the builder's image.", _P),
    BuildReason.IMAGE_PULL_FAILED: Meaning("The builder's image could not be pulled.", _P),
    BuildReason.START_FAILED: Meaning("The container of the build could not be started.", _P),
    BuildReason.START_TIMEOUT: Meaning("The build did not start in time.", _P),
    BuildReason.UNSCHEDULABLE: Meaning("No node has room for the build.", _P),
    BuildReason.VOLUME_NOT_BOUND: Meaning("A PersistentVolumeClaim is not bound to a volume.", _P),
    BuildReason.QUOTA_EXCEEDED: Meaning("The namespace's quota has no room for the build.", _Q),
    BuildReason.WEBHOOK_FAILED: Meaning("An admission webhook of the cluster does not answer.", _P),
    BuildReason.EVICTED: Meaning("The node evicted the pod of the build.", _P),
    BuildReason.POD_LOST: Meaning("The pod of the build was deleted or its node was lost.", _P),
}

RETRIED: Final = frozenset(
    {
        BuildReason.SOURCE_MISSING,
        BuildReason.REGISTRY_UNAVAILABLE,
        BuildReason.BUILDER_FAILED,
        BuildReason.EVICTED,
        BuildReason.POD_LOST,
    }
)
"""Faults of the platform that may be gone at the next attempt: a build has three."""

_LARGEST_REPORTED: Final = 1500


def sentence(reason: BuildReason, detail: str = "") -> str:
    """Return the reason's sentence, followed by what is particular to this case."""
    return MEANINGS[reason].said(detail)


def reported(reason: BuildReason, message: str) -> str:
    """Return what a build's pod said of its end, which is a sentence of its own; the reason's if it said nothing."""
    return one_line(message, _LARGEST_REPORTED) or MEANINGS[reason].sentence


def reported_reason(word: str) -> BuildReason:
    """Return the reason that a build's pod gave; a word that is not in the list is a fault of the builder."""
    try:
        return BuildReason(word)
    except ValueError:
        return BuildReason.BUILDER_FAILED
