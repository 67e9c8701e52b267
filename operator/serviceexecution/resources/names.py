"""Names in the Kubernetes API that more than one room must agree on."""

from typing import Final

API_GROUP: Final = "serviceexecution.dev"
API_VERSION: Final = "v1alpha1"
KIND: Final = "ServiceExecution"
PLURAL: Final = "serviceexecutions"

LABEL_EXECUTION_UID: Final = f"{API_GROUP}/execution-uid"
"""On every child object (Job, pod, ConfigMap): the uid of its ServiceExecution."""

LABEL_EXECUTION_NAME: Final = f"{API_GROUP}/execution"
"""On every child object, for people: the execution's name, shortened to 63 characters."""

LABEL_ATTEMPT: Final = f"{API_GROUP}/attempt"
LABEL_DATA_POOL_ID: Final = f"{API_GROUP}/datapool-id"
"""On a PersistentVolumeClaim: the data pool's id, as inputs name it."""

LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "serviceexecution"
LABEL_QUEUE_NAME: Final = "kueue.x-k8s.io/queue-name"

MAIN_CONTAINER: Final = "main"
COLLECTOR_CONTAINER: Final = "collector"
COLLECTOR_TOKEN_AUDIENCE: Final = f"collector.{API_GROUP}"
"""Audience of the projected token that is the collector's only credential."""
