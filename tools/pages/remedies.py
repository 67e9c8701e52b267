"""What a user does about each reason, in a sentence or two: the hand-written part of docs/reasons-shown.md."""

from typing import Final

from serviceexecution.builds.reasons import BuildReason as Build
from serviceexecution.executions.reasons import Reason as Run

_NOTHING: Final = "Nothing: wait."
_LOOK_AT_LOG: Final = "Read the log (`sx logs ID`); mend the program or its input."
_READ_BUILD_LOG: Final = "Read the log (`sx builds logs NAME`), mend the project and deploy it again."
_ASK: Final = "Ask the people who run the cluster, with the sentence. Start it anew when they have mended it."
_CREATE: Final = "Create what the sentence names, or name another one. A waiting execution goes on by itself."
_BUILD_CREATE: Final = "Create what the sentence names, or name another one, and deploy again."

EXECUTIONS: Final[dict[Run, str]] = {
    Run.QUEUED: "Wait, or ask for a larger share: see `spec.concurrency` of the service and the queue's quota.",
    Run.STARTING: _NOTHING,
    Run.RETRYING: _NOTHING,
    Run.RUNNING: "Nothing: follow it with `sx logs ID -f`.",
    Run.COLLECTING: _NOTHING,
    Run.STOPPING: _NOTHING,
    Run.SUCCEEDED: "Fetch the result: `sx result ID`.",
    Run.CANCELLED: "Nothing: what was written so far is kept.",
    Run.INVALID_SPEC: "Correct the field that the sentence names, and create the execution anew.",
    Run.INVALID_INPUT: "Correct the input where the sentence says, and submit it anew.",
    Run.INPUT_NOT_FOUND: _CREATE,
    Run.SERVICE_NOT_FOUND: _CREATE,
    Run.SERVICE_NOT_READY: "Mend the service: `kubectl get sxd NAME -o wide` says what is wrong with it.",
    Run.OUTPUT_INVALID: "Mend the program, or the service's `outputSchema`. The output is kept as it is.",
    Run.DATA_POOL_NOT_FOUND: _CREATE,
    Run.DATA_POOL_AMBIGUOUS: "Take the label off all but one of what the sentence names, and start anew.",
    Run.DATA_POOL_UNAVAILABLE: "Upload the file anew that the sentence names, if it names one, and start anew.",
    Run.DATA_POOL_TOO_LARGE: "Put the files into a DataPool on a volume, which is mounted without a copy.",
    Run.SECRET_NOT_FOUND: _CREATE,
    Run.SECRET_KEY_NOT_FOUND: _CREATE,
    Run.CONFIG_MAP_NOT_FOUND: _CREATE,
    Run.VOLUME_CLAIM_NOT_FOUND: _CREATE,
    Run.SERVICE_ACCOUNT_NOT_FOUND: _CREATE,
    Run.ENVIRONMENT_TOO_LARGE: "Give the large value as input or as a mounted Secret, not as a variable.",
    Run.POD_REFUSED: "Change what the rules forbid: the sentence quotes them.",
    Run.INVALID_IMAGE_NAME: "Correct the image's name.",
    Run.IMAGE_NOT_FOUND: "Check the image's name and tag, or push it.",
    Run.IMAGE_PULL_FORBIDDEN: "Name a pull secret in `spec.imagePullSecrets`, or have access granted.",
    Run.IMAGE_PULL_FAILED: "Start it anew later. If it stays, ask the people who run the registry or the cluster.",
    Run.START_FAILED: "Correct `command` and `args`, or the image's own, as the sentence says.",
    Run.INIT_CONTAINER_FAILED: "Mend the init container of `spec.podTemplate` that the sentence names.",
    Run.PROGRAM_FAILED: _LOOK_AT_LOG,
    Run.OUT_OF_MEMORY: "Give it more memory (`spec.resources.limits.memory`), or have it use less.",
    Run.TIMEOUT: "Give it more time (`spec.timeout`), or have it do less.",
    Run.OUTPUT_LIMIT_EXCEEDED: "Raise `spec.output.limit`, or write less.",
    Run.DATA_POOL_NOT_WRITTEN: "After a conflict, read both states and run it again; else have the program leave files "
    "that a data pool takes, or have the limits raised, as the sentence says.",
    Run.RESULT_NOT_KEPT: "Have the program write its main result as a readable file, as the sentence says.",
    Run.UNSCHEDULABLE: "Ask for less, or ask for nodes: the sentence says what no node has.",
    Run.VOLUME_NOT_BOUND: "Look at the claim: `kubectl describe pvc`.",
    Run.QUOTA_EXCEEDED: "Wait until others have ended, ask for less, or ask for a larger quota.",
    Run.WEBHOOK_FAILED: "Ask the people who run the cluster. A waiting execution goes on by itself.",
    Run.START_TIMEOUT: "Look at the warning in the sentence. If it was only slow, start it anew with a longer "
    "`spec.startTimeout`.",
    Run.PREEMPTED: "Start it anew if the program may run twice.",
    Run.NODE_REFUSED: "Start it anew: nothing has run.",
    Run.NOT_STARTED: "Start it anew: nothing has run.",
    Run.EVICTED: "Start it anew if the program may run twice, or if nothing has run, which the sentence then says. If "
    "the disk was full, write less to `/tmp`, or ask for `ephemeral-storage`.",
    Run.POD_LOST: "Start it anew if the program may run twice: it may have had effects.",
    Run.JOB_DELETED: "Start it anew if the program may run twice. Leave Jobs to the operator.",
    Run.RAN_BEFORE: "Read its output at the gateway; start a new execution if the program may run twice.",
    Run.RESULT_MISSING: "Ask the people who run the cluster, with the sentence. Start it anew when they have "
    "mended it, if the program may run twice.",
    Run.LOG_MISSING: "Nothing: the result is whole. The log says where lines are missing.",
}

BUILDS: Final[dict[Build, str]] = {
    Build.SOURCE_MISSING: "Upload the archive: `sx deploy` does it. The build goes on by itself.",
    Build.QUEUED: "Nothing: wait.",
    Build.STARTING: _NOTHING,
    Build.BUILDING: "Nothing: follow it with `sx builds logs NAME -f`.",
    Build.SUCCEEDED: "Nothing: new executions run it.",
    Build.CANCELLED: "Deploy again when it is wanted after all.",
    Build.SUPERSEDED: "Nothing: the newer source is built.",
    Build.SOURCE_INVALID: "Correct the source as the sentence says, and deploy it again.",
    Build.SOURCE_TOO_LARGE: "Leave out what the build does not need (`.dockerignore`), or have the limit raised.",
    Build.GIT_FAILED: "Check `spec.source.git`: URL, ref and the Secret with the credentials.",
    Build.DOCKERFILE_MISSING: "Name the Dockerfile in `spec.runtime.docker.build.dockerfile`, or its folder in "
    "`spec.source.subPath`.",
    Build.DOCKERFILE_INVALID: "Correct the line that the sentence names.",
    Build.BASE_IMAGE_NOT_FOUND: "Check the name in the line FROM, or give the installation's registry login access.",
    Build.REQUIREMENT_NOT_FOUND: "Correct the requirement that the sentence names.",
    Build.REQUIREMENTS_CONFLICT: "Change one of the versions that the sentence names.",
    Build.INSTALL_FAILED: _READ_BUILD_LOG,
    Build.SYNTAX_ERROR: "Correct the line that the sentence names.",
    Build.ENTRY_POINT_MISSING: "Correct `spec.runtime.python.entryPoint`, or add the function.",
    Build.IMPORT_FAILED: "Make the module importable without input, secrets and data pools.",
    Build.SIGNATURE_INVALID: "Give the parameters of `run()` types that an input can have: see [builds.md](builds.md).",
    Build.STEP_FAILED: _READ_BUILD_LOG,
    Build.IMAGE_TOO_LARGE: "Leave out what the image does not need, or have the limit raised.",
    Build.OUT_OF_MEMORY: "Raise `spec.build.resources.limits.memory`.",
    Build.TIMEOUT: "Raise `spec.build.timeout`, or have the build do less.",
    Build.SECRET_NOT_FOUND: _BUILD_CREATE,
    Build.SECRET_KEY_NOT_FOUND: _BUILD_CREATE,
    Build.CONFIG_MAP_NOT_FOUND: _BUILD_CREATE,
    Build.VOLUME_CLAIM_NOT_FOUND: _BUILD_CREATE,
    Build.SERVICE_ACCOUNT_NOT_FOUND: _ASK,
    Build.POD_REFUSED: _ASK,
    Build.REGISTRY_UNAVAILABLE: "Deploy again later. If it stays, ask the people who run the registry.",
    Build.REGISTRY_REFUSED: _ASK,
    Build.REGISTRY_FULL: _ASK,
    Build.NO_BUILDER: _ASK,
    Build.BUILDER_FAILED: _ASK,
    Build.INVALID_IMAGE_NAME: _ASK,
    Build.IMAGE_NOT_FOUND: _ASK,
    Build.IMAGE_PULL_FORBIDDEN: _ASK,
    Build.IMAGE_PULL_FAILED: _ASK,
    Build.START_FAILED: _ASK,
    Build.START_TIMEOUT: _ASK,
    Build.UNSCHEDULABLE: "Ask for less in `spec.build.resources`, or ask for nodes.",
    Build.VOLUME_NOT_BOUND: "Look at the claim of `spec.build.cache`: `kubectl describe pvc`.",
    Build.QUOTA_EXCEEDED: "Wait until others have ended, ask for less, or ask for a larger quota.",
    Build.WEBHOOK_FAILED: _ASK,
    Build.EVICTED: "Deploy again: it was tried three times.",
    Build.POD_LOST: "Deploy again: it was tried three times.",
}
