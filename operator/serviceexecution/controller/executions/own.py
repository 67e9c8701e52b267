"""Which of the objects that have a child's name are the execution's. Names follow from its uid, which is no secret."""

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from serviceexecution.resources.pods.observed import ChildMeta, InputMapView


def _is_own(execution: ServiceExecution, metadata: ChildMeta) -> bool:
    """Tell whether label and owner say that an object is the execution's."""
    uid = execution.metadata.uid
    return metadata.controlled_by(uid) and metadata.labels.get(LABEL_EXECUTION_UID) == uid


def is_own_input(execution: ServiceExecution, manifest: JsonObject, found: InputMapView) -> bool:
    """Tell whether the ConfigMap is the one that ``manifest`` would have made, from before a restart.

    Everybody who may create ConfigMaps can copy label and owner. The ConfigMap must therefore hold the input, and hold
    it for good. A copy of a referenced ConfigMap need not hold the same, since the original may have changed.
    """
    if not _is_own(execution, found.metadata) or not found.immutable or found.binary_data:
        return False
    return found.data == manifest["data"] or execution.spec.input_from is not None
