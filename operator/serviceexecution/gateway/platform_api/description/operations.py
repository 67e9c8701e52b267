"""The calls that are served, one line each. Pure."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.data_pools.names import LONGEST_NAME
from serviceexecution.gateway.platform_api.description.operation import Operation
from serviceexecution.gateway.platform_api.description.service_operations import SERVICE_OPERATIONS
from serviceexecution.gateway.platform_api.executions.log_routes import MOST_LINES
from serviceexecution.gateway.platform_api.executions.query import (
    MOST_LISTED,
    MOST_STATUSES,
    PAGE_SIZE,
    PROPERTIES,
)
from serviceexecution.gateway.service_api.documents.execution_document import STATUSES

_TEXT: Final[JsonObject] = {"type": "string"}
_TEXTS: Final[JsonObject] = {"type": "array", "items": _TEXT}
_TIME: Final[JsonObject] = {"type": "string", "format": "date-time"}
_SORT: Final[JsonObject] = {
    "type": "array",
    "items": {"type": "string", "pattern": f"^({'|'.join(PROPERTIES)})(,(asc|desc))?$"},
    "maxItems": 6,
}
LIST_PARAMETERS: Final[dict[str, JsonObject]] = {
    "page": {"type": "integer", "minimum": 0, "maximum": 10**9, "default": 0},
    "size": {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": PAGE_SIZE},
    "sort": _SORT,
    "createdAfter": _TIME,
    "createdBefore": _TIME,
    "applicationId": _TEXT,
    "serviceId": _TEXT,
    "tags": {**_TEXTS, "maxItems": 64},
    "status": {
        "type": "array",
        "items": {"enum": [*sorted(set(STATUSES.values()))]},
        "maxItems": MOST_STATUSES,
    },
    "text": {"type": "string", "maxLength": 256},
    "ids": {"type": "array", "items": {"type": "string", "maxLength": 256}, "maxItems": 10},
}


_P: Final = "/datapools/{id}"
_STATE: Final[dict[str, JsonObject]] = {"index": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}
"""An earlier state of a data pool."""
_E: Final = "/service-executions/{id}"
OPERATIONS: Final = (
    Operation("post", "/authorize", "resolveAuthToken", "Say who calls", "Principal"),
    Operation("get", "/my/accounts", "getMyAccounts", "Show the namespace as an account", "Account[]"),
    Operation(
        "get",
        "/service-executions",
        "getServiceExecutions",
        "List executions of all services",
        "ExecutionPage",
        LIST_PARAMETERS,
    ),
    Operation("get", _E, "getServiceExecution", "Show an execution", "Execution"),
    Operation("put", f"{_E}/cancel", "cancelServiceExecution", "Stop an execution", "Execution"),
    Operation("get", f"{_E}/results", "getResult", "Show a result", "Result", pending=True),
    Operation(
        "get",
        f"{_E}/results/{{file}}",
        "getResultFile",
        "Fetch a file of a result; ** is the main result or the only file",
        "",
        {"file": _TEXT},
        media_type="*/*",
    ),
    Operation(
        "get",
        f"{_E}/logs",
        "getLogs",
        "Show the last lines of a log",
        "Logs",
        {
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST_LINES},
            "raw": {"type": "boolean"},
        },
        pending=True,
        also_text=True,
    ),
    Operation(
        "get", f"{_E}/metrics", "getMetrics", "Show CPU and memory over time, once it has ended", "Metrics"
    ),
    Operation("get", f"{_E}/receipt", "getReceipt", "Show what ran, and what it used", "Object"),
    Operation("get", f"{_E}/lineage", "getLineage", "Show which execution started which", "Lineage"),
    Operation("get", f"{_E}/costs", "getCosts", "Show costs, of which there are none", "Nothing[]"),
    Operation("get", f"{_E}/observability", "getObservability", "Show no files", "Object"),
    Operation("get", "/service-jobs", "getServiceJobs", "List jobs", "ExecutionPage", LIST_PARAMETERS),
    Operation("post", "/service-jobs", "createServiceJob", "Make a job", "Job", body="NewJob", status=201),
    Operation("get", "/service-jobs/{id}", "getServiceJob", "Show a job, with its stored input", "Job"),
    Operation(
        "post",
        "/service-jobs/{id}/rerun",
        "rerunServiceJob",
        "Run a job or another execution again, as it was or with changed members",
        "Job",
        body="Changes",
        status=201,
    ),
    *SERVICE_OPERATIONS,
    Operation("get", "/datapools", "getDataPools", "List data pools", "DataPool[]"),
    Operation(
        "post", "/datapools", "createDataPool", "Make a data pool", "DataPool", body="NewDataPool", status=201
    ),
    Operation("get", _P, "getDataPool", "Show a data pool", "DataPool"),
    Operation(
        "put",
        _P,
        "updateDataPool",
        "Change a data pool: what is absent stays, and null clears",
        "DataPool",
        body="ChangedDataPool",
    ),
    Operation("delete", _P, "deleteDataPool", "Delete a data pool and its files", status=204),
    Operation(
        "get", f"{_P}/files", "getDataPoolFiles", "List all files of a data pool", "DataPoolFile[]", _STATE
    ),
    Operation(
        "post",
        f"{_P}/files",
        "addDataPoolFile",
        "Upload a file; one of the same name is replaced",
        "DataPoolFile",
        {"filename": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}},
        body="Upload",
        body_type="multipart/form-data",
        status=201,
    ),
    Operation(
        "get",
        f"{_P}/files/{{file}}",
        "getDataPoolFile",
        "Fetch a file",
        "",
        _STATE,
        media_type="*/*",
        ranges=True,
    ),
    Operation("delete", f"{_P}/files/{{file}}", "deleteDataPoolFile", "Delete a file", status=204),
    Operation(
        "post",
        f"{_P}/grants",
        "createDataPoolGrant",
        "Say that a run is to read or to modify a data pool",
        "Grant",
        body="NewGrant",
    ),
    Operation("get", "/applications", "getApplications", "List access keys", "Application[]"),
    Operation("get", "/applications/{id}", "getApplication", "Show an access key", "Application"),
    Operation("get", "/applications/{id}/access-keys", "getAccessKeys", "Show its id", "AccessKey[]"),
    Operation(
        "get",
        "/applications/{id}/subscriptions",
        "getSubscriptions",
        "List services that a key may run",
        "Subscription[]",
    ),
    Operation(
        "post",
        "/subscriptions",
        "createSubscription",
        "Tell whether a key may run a service",
        "Subscription",
        body="NewSubscription",
        status=201,
    ),
    Operation("get", "/subscriptions/{id}", "getSubscription", "Show a subscription", "Subscription"),
    Operation(
        "get",
        "/subscriptions/{id}/service-executions",
        "getServiceExecutionsBySubscription",
        "List a service's executions of a key",
        "Execution[]",
    ),
)
