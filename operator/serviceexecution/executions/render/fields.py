"""From models of the spec to fields of the Kubernetes API."""

from collections.abc import Sequence
from typing import cast

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.resources.model import ResourceModel


def dump(model: ResourceModel) -> JsonObject:
    """Return the model as the Kubernetes API writes it, without what the user left out."""
    return cast("JsonObject", model.model_dump(mode="json", by_alias=True, exclude_none=True))


def dump_all(models: Sequence[ResourceModel] | None) -> list[JsonValue] | None:
    """Return a list of models as the Kubernetes API writes it, None for None."""
    return None if models is None else [dump(model) for model in models]
