"""The closed list of reasons: why an execution is in its phase, in one word and one sentence, and whose
turn it is.
"""

from enum import StrEnum
from typing import Final

from serviceexecution.resources.meaning import Meaning, Owner


class Reason(StrEnum):
    """Why an execution is in its phase."""

    # Waiting
    QUEUED = "Queued"
    STARTING = "Starting"
    RETRYING = "Retrying"
    # Running
    RUNNING = "Running"
    COLLECTING = "Collecting"
    STOPPING = "Stopping"
    # Ended as asked
    SUCCEEDED = "Succeeded"
    CANCELLED = "Cancelled"
    # What the user gave
    INVALID_SPEC = "InvalidSpec"
    INVALID_INPUT = "InvalidInput"
    INPUT_NOT_FOUND = "InputNotFound"
    SERVICE_NOT_FOUND = "ServiceNotFound"
    SERVICE_NOT_READY = "ServiceNotReady"
    OUTPUT_INVALID = "OutputInvalid"
    DATA_POOL_NOT_FOUND = "DataPoolNotFound"
    DATA_POOL_AMBIGUOUS = "DataPoolAmbiguous"
    DATA_POOL_UNAVAILABLE = "DataPoolUnavailable"
    DATA_POOL_TOO_LARGE = "DataPoolTooLarge"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105
    SECRET_KEY_NOT_FOUND = "SecretKeyNotFound"  # noqa: S105
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound"
    VOLUME_CLAIM_NOT_FOUND = "VolumeClaimNotFound"
    SERVICE_ACCOUNT_NOT_FOUND = "ServiceAccountNotFound"
    ENVIRONMENT_TOO_LARGE = "EnvironmentTooLarge"
    POD_REFUSED = "PodRefused"
    # The image
    INVALID_IMAGE_NAME = "InvalidImageName"
    IMAGE_NOT_FOUND = "ImageNotFound"
    IMAGE_PULL_FORBIDDEN = "ImagePullForbidden"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    START_FAILED = "StartFailed"
    INIT_CONTAINER_FAILED = "InitContainerFailed"
    # The program
    PROGRAM_FAILED = "ProgramFailed"
    OUT_OF_MEMORY = "OutOfMemory"
    TIMEOUT = "Timeout"
    OUTPUT_LIMIT_EXCEEDED = "OutputLimitExceeded"
    RESULT_NOT_KEPT = "ResultNotKept"
    DATA_POOL_NOT_WRITTEN = "DataPoolNotWritten"
    # The cluster
    UNSCHEDULABLE = "Unschedulable"
    VOLUME_NOT_BOUND = "VolumeNotBound"
    QUOTA_EXCEEDED = "QuotaExceeded"
    WEBHOOK_FAILED = "WebhookFailed"
    START_TIMEOUT = "StartTimeout"
    PREEMPTED = "Preempted"
    NODE_REFUSED = "NodeRefused"
    NOT_STARTED = "NotStarted"
    EVICTED = "Evicted"
    POD_LOST = "PodLost"
    JOB_DELETED = "JobDeleted"
    RAN_BEFORE = "RanBefore"
    RESULT_MISSING = "ResultMissing"
    LOG_MISSING = "LogMissing"


MEANINGS: Final[dict[Reason, Meaning]] = {
    Reason.QUEUED: Meaning("The execution waits in its queue.", Owner.QUOTA),
    Reason.STARTING: Meaning("The pod is being started.", Owner.PLATFORM),
    Reason.RETRYING: Meaning("Another attempt is made.", Owner.PLATFORM),
    Reason.RUNNING: Meaning("The program is running.", Owner.USER),
    Reason.COLLECTING: Meaning("The program has ended; its output and log are being kept.", Owner.PLATFORM),
    Reason.STOPPING: Meaning("The program is being stopped.", Owner.PLATFORM),
    Reason.SUCCEEDED: Meaning("The program ended with exit code 0.", Owner.USER),
    Reason.CANCELLED: Meaning("The execution was cancelled.", Owner.USER),
    Reason.INVALID_SPEC: Meaning("The spec cannot be run as it is.", Owner.USER),
    Reason.INVALID_INPUT: Meaning("The input cannot be given to the program as it is.", Owner.USER),
    Reason.INPUT_NOT_FOUND: Meaning("The ConfigMap named in spec.inputFrom does not exist.", Owner.USER),
    Reason.SERVICE_NOT_FOUND: Meaning(
        "The ServiceDefinition named in spec.serviceRef does not exist.", Owner.USER
    ),
    Reason.SERVICE_NOT_READY: Meaning("The ServiceDefinition cannot be run as it is.", Owner.USER),
    Reason.OUTPUT_INVALID: Meaning(
        "The program's main result does not fit the service's output schema.", Owner.USER
    ),
    Reason.DATA_POOL_NOT_FOUND: Meaning("The input names a data pool that does not exist.", Owner.USER),
    Reason.DATA_POOL_AMBIGUOUS: Meaning(
        "The input names a data pool by an id that several have.", Owner.USER
    ),
    Reason.DATA_POOL_UNAVAILABLE: Meaning(
        "A data pool cannot be had as the execution needs it, so that the program was not started.",
        Owner.PLATFORM,
    ),
    Reason.DATA_POOL_TOO_LARGE: Meaning("There is no room in the pod for a data pool.", Owner.USER),
    Reason.SECRET_NOT_FOUND: Meaning("A Secret that the spec names does not exist.", Owner.USER),
    Reason.SECRET_KEY_NOT_FOUND: Meaning("A Secret lacks the key that the spec names.", Owner.USER),
    Reason.CONFIG_MAP_NOT_FOUND: Meaning("A ConfigMap or a key of it does not exist.", Owner.USER),
    Reason.VOLUME_CLAIM_NOT_FOUND: Meaning(
        "A PersistentVolumeClaim that the spec names does not exist.", Owner.USER
    ),
    Reason.SERVICE_ACCOUNT_NOT_FOUND: Meaning(
        "The ServiceAccount that the spec names does not exist.", Owner.USER
    ),
    Reason.ENVIRONMENT_TOO_LARGE: Meaning(
        "A secret or a variable is larger than a program can be started with (128 KiB each).", Owner.USER
    ),
    Reason.POD_REFUSED: Meaning("The namespace's rules refuse the pod.", Owner.USER),
    Reason.INVALID_IMAGE_NAME: Meaning("The image's name is not a valid reference.", Owner.USER),
    Reason.IMAGE_NOT_FOUND: Meaning("The image does not exist in its registry.", Owner.IMAGE),
    Reason.IMAGE_PULL_FORBIDDEN: Meaning("The registry refuses access to the image.", Owner.IMAGE),
    Reason.IMAGE_PULL_FAILED: Meaning("The image could not be pulled.", Owner.PLATFORM),
    Reason.START_FAILED: Meaning("The container could not be started.", Owner.IMAGE),
    Reason.INIT_CONTAINER_FAILED: Meaning(
        "An init container failed, so that the program was not started.", Owner.USER
    ),
    Reason.PROGRAM_FAILED: Meaning("The program failed.", Owner.USER),
    Reason.OUT_OF_MEMORY: Meaning("The program used more memory than its limit and was killed.", Owner.USER),
    Reason.TIMEOUT: Meaning("The program ran longer than spec.timeout and was stopped.", Owner.USER),
    Reason.OUTPUT_LIMIT_EXCEEDED: Meaning(
        "The program wrote more output than spec.output.limit.", Owner.USER
    ),
    Reason.RESULT_NOT_KEPT: Meaning(
        "The program wrote its main result, but it could not be kept.", Owner.USER
    ),
    Reason.DATA_POOL_NOT_WRITTEN: Meaning(
        "The program ended with exit code 0, but what it has changed in a data pool could not be kept there.",
        Owner.USER,
    ),
    Reason.UNSCHEDULABLE: Meaning("No node has room for the pod.", Owner.PLATFORM),
    Reason.VOLUME_NOT_BOUND: Meaning("A PersistentVolumeClaim is not bound to a volume.", Owner.PLATFORM),
    Reason.QUOTA_EXCEEDED: Meaning("The namespace's quota has no room for the pod.", Owner.QUOTA),
    Reason.WEBHOOK_FAILED: Meaning("An admission webhook of the cluster does not answer.", Owner.PLATFORM),
    Reason.START_TIMEOUT: Meaning("The program did not start within spec.startTimeout.", Owner.PLATFORM),
    Reason.PREEMPTED: Meaning("The queue took the run's place back while the program ran.", Owner.QUOTA),
    Reason.NODE_REFUSED: Meaning("The node refused the pod before the program started.", Owner.PLATFORM),
    Reason.NOT_STARTED: Meaning("The pod was deleted or lost before the program started.", Owner.PLATFORM),
    Reason.EVICTED: Meaning("The node evicted the pod.", Owner.PLATFORM),
    Reason.POD_LOST: Meaning(
        "The pod was deleted or its node was lost before the program had ended.", Owner.PLATFORM
    ),
    Reason.JOB_DELETED: Meaning("The Job was deleted before its execution had ended.", Owner.PLATFORM),
    Reason.RAN_BEFORE: Meaning(
        "The store has output or a log of an earlier run, which the cluster has forgotten, as after a restored backup; "
        "the execution is not run again.",
        Owner.PLATFORM,
    ),
    Reason.RESULT_MISSING: Meaning(
        "The program ended but its output could not be collected in time.", Owner.PLATFORM
    ),
    Reason.LOG_MISSING: Meaning("The program ended but a part of its log was lost.", Owner.PLATFORM),
}


def sentence(reason: Reason, detail: str = "") -> str:
    """Return the reason's sentence, followed by what is particular to this case."""
    return MEANINGS[reason].said(detail)
