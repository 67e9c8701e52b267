"""Names of Kubernetes objects and of their keys, as the API server takes them: one pattern for CRD and models.

The CRD refuses other names at the door. The models refuse them again: an object may have been stored under a CRD that
took any text, and a name goes into paths of the API.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

SUBDOMAIN: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
"""A DNS-1123 subdomain: what all kinds of objects that specs name have as their name."""
KEY: Final = "[-._a-zA-Z0-9]+"
"""A key of a Secret or a ConfigMap."""
MAX_NAME: Final = 253
MAX_LABEL: Final = 63
_NAME_RULE: Final = (
    "must be a name such as my-object.1: small letters, digits, '-' and '.', a letter or digit at each end"
)
_KEY_RULE: Final = "must be a key such as token or ca.crt: letters, digits, '-', '_' and '.'"


class _Matches:
    """Refuses a text that does not fit as a whole."""

    def __init__(self, pattern: str, rule: str) -> None:
        self._pattern = re.compile(pattern)
        self._rule = rule

    def __call__(self, text: str) -> str:
        """Return the text; raises ValueError."""
        if self._pattern.fullmatch(text) is None:
            raise ValueError(self._rule)
        return text


def _rules(pattern: str, message: str, more: str = "") -> dict[str, list[dict[str, str]]]:
    """Return the rule for the CRD; not a pattern of the schema, whose refusal shows the expression and no example."""
    return {"x-kubernetes-validations": [{"rule": f"self.matches('^{pattern}$'){more}", "message": message}]}


ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=MAX_NAME, json_schema_extra=_rules(SUBDOMAIN, _NAME_RULE)),
    AfterValidator(_Matches(SUBDOMAIN, _NAME_RULE)),
]
"""The name of another object in the execution's namespace, or of a class of the cluster."""

QueueName = Annotated[
    str,
    Field(min_length=1, max_length=MAX_LABEL, json_schema_extra=_rules(SUBDOMAIN, _NAME_RULE)),
    AfterValidator(_Matches(SUBDOMAIN, _NAME_RULE)),
]
"""The name of a LocalQueue, which is the value of a label."""

DataKey = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NAME,
        json_schema_extra=_rules(KEY, _KEY_RULE, " && self != '.' && !self.startsWith('..')"),
    ),
    AfterValidator(_Matches(rf"(?!\.$|\.\.){KEY}", _KEY_RULE)),
]
"""A key of a Secret or a ConfigMap. As in the API, none is ``.`` and none begins with ``..``."""
