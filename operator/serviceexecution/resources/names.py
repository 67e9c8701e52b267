"""Names in the Kubernetes API that more than one room must agree on."""

from typing import Final

API_GROUP: Final = "serviceexecution.dev"
API_VERSION: Final = "v1alpha1"
KIND: Final = "ServiceExecution"
PLURAL: Final = "serviceexecutions"
DEFINITION_KIND: Final = "ServiceDefinition"
DEFINITION_PLURAL: Final = "servicedefinitions"
POOL_KIND: Final = "DataPool"
POOL_PLURAL: Final = "datapools"

LABEL_EXECUTION_UID: Final = f"{API_GROUP}/execution-uid"
"""On every child object (Job, pod, ConfigMap): the uid of its ServiceExecution. On the Job and pod of a build:
the uid that it is stored under (``revision_reference``), so that watches and fences hold for both."""

LABEL_EXECUTION_NAME: Final = f"{API_GROUP}/execution"
"""On every child object, for people: the execution's name, shortened to 63 characters."""

OUTPUT_LIMIT_ANNOTATION: Final = f"{API_GROUP}/output-limit"
"""On an execution's pod: the most bytes of output that are kept. The controller writes it, the gateway reads it."""

CONDITION_READY: Final = "Ready"
"""Type of the condition that says whether executions of a service can start."""

LABEL_ATTEMPT: Final = f"{API_GROUP}/attempt"
LABEL_DATA_POOL_ID: Final = f"{API_GROUP}/datapool-id"
"""On a PersistentVolumeClaim: the data pool's id, as inputs name it."""

LABEL_POOL_UID: Final = f"{API_GROUP}/data-pool-uid"
"""On the Job and pod that serve the files of a data pool's volume: the uid of the DataPool."""

CONDITION_FILES_REACHABLE: Final = "FilesReachable"
"""Type of the condition that says how the pod stands that serves a data pool's volume, while it is wanted."""

LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "serviceexecution"
LABEL_QUEUE_NAME: Final = "kueue.x-k8s.io/queue-name"

MAIN_CONTAINER: Final = "main"
COLLECTOR_CONTAINER: Final = "collector"
STAGE_IN_CONTAINER: Final = "data-pools"
"""The init container that brings data pools of the results store into the pod."""
COLLECTOR_TOKEN_VOLUME: Final = "collector-token"  # noqa: S105 - a volume's name
COLLECTOR_TOKEN_AUDIENCE: Final = f"collector.{API_GROUP}"
"""Audience of the projected token that is the collector's only credential."""

LABEL_SUBMISSION: Final = f"{API_GROUP}/submission"
"""On the ConfigMap and Secret that the gateway makes for an execution, before the execution: its name. On the execution
too, and on the ConfigMap until the execution owns it.
"""
SUBMISSION_ADOPTED: Final = "adopted"
"""Value of that label once the execution owns the ConfigMap: whoever looks for leftovers does not meet it again."""

LABEL_LIFETIME: Final = f"{API_GROUP}/lifetime"
LIFETIME_RUN: Final = "run"
"""On a Secret that is deleted when its execution has ended. The operator deletes no Secret without it."""

ANNOTATION_RUN_SECRET: Final = f"{API_GROUP}/run-secret"
"""On an execution: name of the Secret that goes when the program has ended. It counts only when it is the execution's
own name: anybody who makes an execution writes its annotations."""

ANNOTATION_RUN_SECRET_UID: Final = f"{API_GROUP}/run-secret-uid"
"""On an execution: uid of that Secret, so that no other one of its name is deleted."""

ANNOTATION_INPUT_PROPERTIES: Final = f"{API_GROUP}/input-properties"
"""On an input's ConfigMap: JSON object, key → property, for properties whose names are no legal keys."""

ANNOTATION_REQUEST_DIGEST: Final = f"{API_GROUP}/request-digest"
"""On what was made for a POST with an Idempotency-Key: tells the same request from another with its key."""

ANNOTATION_SUBMITTED_BY: Final = f"{API_GROUP}/submitted-by"
"""On an execution that came by the Service API: the user name of the caller."""

ANNOTATION_JOB: Final = f"{API_GROUP}/job"
"""On an execution that came as a job by the platform's API: whether its input may be shown, and run again."""
JOB_STORED: Final = "input-stored"
JOB_NOT_STORED: Final = "input-not-stored"

LABEL_INPUT_RETENTION: Final = f"{API_GROUP}/input-retention"
"""On a submission's ConfigMap and execution: for how many seconds after the end the input is kept."""

LABEL_PARENT: Final = f"{API_GROUP}/parent"
"""On an execution that a running execution has started: uid of that one."""
ANNOTATION_EXECUTION_TOKEN: Final = f"{API_GROUP}/execution-token"
"""On an execution whose program has a token that shows which execution it is: the token's SHA-256."""

ANNOTATION_TRACEPARENT: Final = f"{API_GROUP}/traceparent"
"""On an execution: the caller's trace, as W3C Trace Context writes it. Whoever makes an execution may set it."""

CALLBACK_SECRET: Final = "serviceexecution-callbacks"  # noqa: S105 - a Secret's name
"""In a service's namespace: the keys that sign its callbacks. The only Secret that the controller reads."""

LABEL_DEFINITION_UID: Final = f"{API_GROUP}/definition-uid"
"""On the Job and pod of a build: the uid of the ServiceDefinition that is built."""

LABEL_DEFINITION_NAME: Final = f"{API_GROUP}/definition"
"""On the Job and pod of a build, for people: the definition's name, shortened to 63 characters."""

LABEL_REVISION: Final = f"{API_GROUP}/revision"
"""On the Job and pod of a build: the name of the revision."""

ANNOTATION_SOURCE_DIGEST: Final = f"{API_GROUP}/source-digest"
"""On the Job of a build: digest of the archive that its pod may fetch from the gateway."""

ANNOTATION_SUMMARY: Final = f"{API_GROUP}/summary"
"""On a ServiceDefinition: what it is in one line, as the platform's API takes it."""
ANNOTATION_LINKS: Final = f"{API_GROUP}/links"
ANNOTATION_CONTACTS: Final = f"{API_GROUP}/contacts"
"""On a ServiceDefinition: JSON lists of links, and of whom to ask, as the platform's API takes them."""

LABEL_MANAGED_SERVICE: Final = f"{API_GROUP}/managed-service"
MANAGED_SERVICE: Final = "true"
"""On a ServiceDefinition whose runtime, source, variables and resources the platform's API may change."""

BUILDER_TOKEN_AUDIENCE: Final = f"builder.{API_GROUP}"
"""Audience of the projected token that is a build's only credential at the gateway."""
