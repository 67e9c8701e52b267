"""The base of all models that mirror a custom resource."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from serviceexecution.contract.durations import DURATION_PATTERN, MAX_DURATION_SECONDS


def _in_words(value: object) -> object:
    """Return a bare number of seconds as the text that it stands for."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Duration = Annotated[
    str,
    BeforeValidator(_in_words),
    Field(
        max_length=48,
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            "x-kubernetes-validations": [
                {
                    # Not a pattern of the schema: its refusal shows the expression and no example.
                    "rule": (
                        f"type(self) == int ? self >= 0 && self <= {MAX_DURATION_SECONDS} : "
                        f"self.matches('{DURATION_PATTERN}')"
                    ),
                    "message": "must be a duration such as 1h30m, 90s, 500ms or a whole number of seconds",
                }
            ],
        },
    ),
]
"""A length of time as Kubernetes users write it: ``90s``, ``1h30m``, or whole seconds, also without quotes."""

OpaqueObject = dict[str, JsonValue]
"""An object whose members are not modelled."""


class ResourceModel(BaseModel):
    """Frozen, camelCase in the API, snake_case here; the docstring below a field is its description in
    the CRD.
    """

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )
