"""The CustomResourceDefinitions, made from the models."""

from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.resources.crds.structural import structural_schema, without_transition_rules
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.execution_status import ExecutionStatus
from serviceexecution.resources.names import (
    API_GROUP,
    API_VERSION,
    DEFINITION_KIND,
    DEFINITION_PLURAL,
    KIND,
    PLURAL,
    POOL_KIND,
    POOL_PLURAL,
)
from serviceexecution.resources.pools.pool import PoolSpec
from serviceexecution.resources.pools.pool_status import PoolStatus
from serviceexecution.resources.services.definition import ServiceDefinitionSpec
from serviceexecution.resources.services.definition_status import ServiceDefinitionStatus

MUTABLE_FIELDS: Final = frozenset({"cancel", "ttlSecondsAfterFinished", "tags"})
OPAQUE_FIELDS: Final = frozenset({"input", "affinity", "podTemplate"})
"""Objects of unknown members: CEL in their parent sees that they are there, their own rule what they hold."""

_UNSEEN: Final[JsonObject] = {"observedGeneration": -1}
"""The status of an object that the controller has not seen: without it kstatus, and with it Flux and `helm --wait`,
takes the object for done until the first status is written."""

_FIRST_FIELDS: Final = (
    *("displayName", "description", "serviceRef", "runtime", "source", "build", "revision"),
    *("input", "inputJson", "inputFrom", "inputSchema"),
)
"""In the order in which a reader wants them; the others follow as in the models."""


_IMMUTABLE: Final = "is immutable: an execution runs once; create a new one to run with other values"


def _with_immutable_members(spec: JsonObject) -> tuple[JsonObject, JsonObject]:
    """Return the members of the spec, each with a rule of its own unless it may change, and the rule that none of
    these comes or goes.

    The API server evaluates all rules at each write of a status. A member of ``self`` costs it a walk over the schemas
    of all members. Rules of members name none, and the rule of the whole ends early as long as nothing has changed.
    """
    members: JsonObject = {}
    same: list[str] = []
    first = ""
    for name, node in cast("dict[str, JsonObject]", spec["properties"]).items():
        members[name] = node
        if name in MUTABLE_FIELDS:
            continue
        if name not in OPAQUE_FIELDS:
            rules = cast("list[JsonValue]", node.get("x-kubernetes-validations", []))
            rule: JsonObject = {"rule": "self == oldSelf", "message": f"{name} {_IMMUTABLE}"}
            members[name] = {**node, "x-kubernetes-validations": [*rules, rule]}
        same.append(f"has(self.{name}) == has(oldSelf.{name})")
        first += f"has(self.{name}) != has(oldSelf.{name}) ? '{name}' : "
    comes_or_goes: JsonObject = {
        "rule": f"self == oldSelf || ({' && '.join(same)})",
        "message": f"a member {_IMMUTABLE}",
        "messageExpression": f"({first}'a member') + ' {_IMMUTABLE}'",
    }
    return members, comes_or_goes


def _spec_schema() -> JsonObject:
    spec = structural_schema(ExecutionSpec)
    members, comes_or_goes = _with_immutable_members(spec)
    rules: list[JsonValue] = [
        comes_or_goes,
        {
            "rule": "!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)",
            "message": "cancel cannot be taken back: create a new execution",
            "fieldPath": ".cancel",
        },
        {
            "rule": "(has(self.input) ? 1 : 0) + (has(self.inputJson) ? 1 : 0) + (has(self.inputFrom) ? 1 : 0) <= 1",
            "message": "give the input once: as input, as inputJson or as inputFrom",
        },
        {
            "rule": "has(self.serviceRef) != has(self.runtime)",
            "message": "say what runs: give either serviceRef or runtime",
        },
    ]
    return _in_reading_order({**spec, "properties": members, "x-kubernetes-validations": rules})


_BUILT: Final = "(has(self.runtime.python) || (has(self.runtime.docker) && has(self.runtime.docker.build)))"
_DEFINITION_RULES: Final[tuple[JsonObject, ...]] = (
    {
        "rule": "has(self.runtime.docker) != has(self.runtime.python)",
        "message": "say what runs: give either docker or python",
        "fieldPath": ".runtime",
    },
    {
        "rule": "!has(self.runtime.docker) || has(self.runtime.docker.image) != has(self.runtime.docker.build)",
        "message": "give either an image or how to build it, as build",
        "fieldPath": ".runtime.docker",
    },
    {
        "rule": f"{_BUILT} == has(self.source)",
        "message": "a source is needed by runtime.python and runtime.docker.build, and by nothing else",
        "fieldPath": ".source",
    },
    {
        "rule": "!has(self.source) || has(self.source.archive) != has(self.source.git)",
        "message": "say where the source is: give either archive or git",
        "fieldPath": ".source",
    },
)


def _definition_spec_schema() -> JsonObject:
    spec = without_transition_rules(structural_schema(ServiceDefinitionSpec))
    spec["x-kubernetes-validations"] = list(_DEFINITION_RULES)
    return _in_reading_order(spec)


def _in_reading_order(spec: JsonObject) -> JsonObject:
    fields = cast("JsonObject", spec["properties"])
    first: JsonObject = {name: fields[name] for name in _FIRST_FIELDS if name in fields}
    return {**spec, "properties": {**first, **fields}}


def service_execution_crd() -> JsonObject:
    """Return the CustomResourceDefinition of ServiceExecution."""
    return _definition(
        kind=KIND,
        plural=PLURAL,
        short_name="sx",
        description="ServiceExecution is one run of a service: a Job with its input, secrets and "
        "data pools, whose log and result are kept.",
        spec=_spec_schema(),
        status=structural_schema(ExecutionStatus),
        columns=[
            _column("Phase", ".status.phase"),
            _column("Reason", ".status.reason"),
            _column("Service", ".spec.serviceRef.name"),
            _column("Started", ".status.startTime", "date"),
            _column("Duration", ".status.duration"),
            _column("Age", ".metadata.creationTimestamp", "date"),
            _column("Message", ".status.message", priority=1),
        ],
        selectable=[".status.phase", ".spec.serviceRef.name"],
    )


def service_definition_crd() -> JsonObject:
    """Return the CustomResourceDefinition of ServiceDefinition."""
    return _definition(
        kind=DEFINITION_KIND,
        plural=DEFINITION_PLURAL,
        short_name="sxd",
        description="ServiceDefinition is a service: what its executions run and may ask for. Its HTTP "
        "interface is at /services/<namespace>/<name> of the gateway.",
        spec=_definition_spec_schema(),
        status=structural_schema(ServiceDefinitionStatus),
        columns=[
            _column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            _column("Phase", ".status.phase"),
            _column("Revision", ".status.revision"),
            _column("Building", '.status.revisions[?(@.phase=="Building")].name'),
            _column("Image", ".status.image", priority=1),
            _column("Concurrency", ".spec.concurrency", "integer", priority=1),
            _column("Age", ".metadata.creationTimestamp", "date"),
            _column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1),
        ],
        selectable=[],
    )


_POOL_RULES: Final[tuple[JsonObject, ...]] = (
    {
        "rule": "has(self.storage) == has(oldSelf.storage) && (!has(self.storage) || self.storage == oldSelf.storage)",
        "message": "storage is immutable: files do not move; create another data pool",
        "fieldPath": ".storage",
    },
    {
        "rule": "!has(self.storage) || "
        "has(self.storage.claim) == (has(self.storage.type) && self.storage.type == 'Claim')",
        "message": "a claim is needed by type Claim, and by nothing else",
        "fieldPath": ".storage",
    },
    {
        "rule": "!has(self.storage) || !has(self.storage.claim) || "
        "has(self.storage.claim.existing) != has(self.storage.claim.size)",
        "message": "give either the name of an existing claim, or the size of a new one",
        "fieldPath": ".storage",
    },
    {
        "rule": "!has(self.storage) || !has(self.storage.claim) || !has(self.storage.claim.existing) || "
        "!(has(self.storage.claim.storageClassName) || has(self.storage.claim.accessMode))",
        "message": "storageClassName and accessMode are of a new claim: an existing one has its own",
        "fieldPath": ".storage",
    },
)


def data_pool_crd() -> JsonObject:
    """Return the CustomResourceDefinition of DataPool."""
    spec = structural_schema(PoolSpec)
    spec["x-kubernetes-validations"] = list(_POOL_RULES)
    return _definition(
        kind=POOL_KIND,
        plural=POOL_PLURAL,
        short_name="sxp",
        description="DataPool is a named set of files that runs of services may read, in the results store or on a "
        "volume. Its files are at /platform/<namespace>/datapools of the gateway.",
        spec=spec,
        status=structural_schema(PoolStatus),
        columns=[
            _column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            _column("Files", ".status.files", "integer"),
            _column("Bytes", ".status.bytes", "integer"),
            _column("Claim", ".status.claim"),
            _column("Age", ".metadata.creationTimestamp", "date"),
            _column("Name", ".spec.displayName", priority=1),
            _column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1),
        ],
        selectable=[],
    )


def _column(name: str, path: str, kind: str = "string", *, priority: int = 0) -> JsonObject:
    column: JsonObject = {"name": name, "type": kind, "jsonPath": path}
    return {**column, "priority": priority} if priority else column


def _definition(
    *,
    kind: str,
    plural: str,
    short_name: str,
    description: str,
    spec: JsonObject,
    status: JsonObject,
    columns: list[JsonValue],
    selectable: list[str],
) -> JsonObject:
    schema: JsonObject = {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Version of this schema."},
            "kind": {"type": "string", "description": f"Kind of this object: {kind}."},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": {**status, "default": dict(_UNSEEN)},
        },
    }
    version: JsonObject = {
        "name": API_VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": schema},
    }
    if selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in selectable]
    names: JsonObject = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
        "shortNames": [short_name],
        "categories": ["sx-all"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{API_GROUP}"},
        "spec": {"group": API_GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }
