"""The schemas of the platform's API. Pure."""

from typing import Final

from serviceexecution.contract.input.pool_grants import GrantPermission
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.platform_api.data_pools.grant_routes import LONGEST_APPLICATION
from serviceexecution.gateway.platform_api.data_pools.pool_body import SHORTEST_NAME
from serviceexecution.gateway.platform_api.description.service_schemas import BODIES
from serviceexecution.resources.pools.pool import (
    LONGEST_DESCRIPTION,
    LONGEST_DISPLAY_NAME,
    LONGEST_SHORT_DESCRIPTION,
    LONGEST_TAG,
    MOST_TAGS,
)

_TEXT: Final[JsonObject] = {"type": "string"}
_TEXTS: Final[JsonObject] = {"type": "array", "items": _TEXT}
_COUNT: Final[JsonObject] = {"type": "integer", "minimum": 0}
_FLAG: Final[JsonObject] = {"type": "boolean"}
_OBJECT: Final[JsonObject] = {"type": "object"}
_STATUSES: Final = ["UNKNOWN", "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
_POINTS: Final[JsonObject] = {"type": "array", "items": _OBJECT}


def _object(required: dict[str, JsonObject], /, **optional: JsonObject) -> JsonObject:
    return {"type": "object", "required": [*required], "properties": {**required, **optional}}


def _list(name: str) -> JsonObject:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


_EXECUTION: Final[dict[str, JsonObject]] = {
    "id": _TEXT,
    "createdAt": _TEXT,
    "status": {"enum": [*_STATUSES]},
    "type": {"const": "MANAGED"},
    "tags": _TEXTS,
}
_MORE: Final = dict.fromkeys(
    (
        "startedAt",
        "endedAt",
        "serviceId",
        "serviceDefinitionId",
        "applicationId",
        "name",
        "serviceName",
        "reason",
        "message",
    ),
    _TEXT,
) | {"usage": _OBJECT}
_OVERVIEW: Final[dict[str, JsonObject]] = {
    "id": _TEXT,
    "serviceDefinitionId": _TEXT,
    "name": _TEXT,
    "displayName": _TEXT,
    "type": {"const": "MANAGED"},
    "lifecycle": {"enum": ["CREATED", "ACCESSIBLE"]},
    "createdAt": _TEXT,
}
_POOL: Final[dict[str, JsonObject]] = {
    "shortDescription": {"type": ["string", "null"], "maxLength": LONGEST_SHORT_DESCRIPTION},
    "description": {"type": ["string", "null"], "maxLength": LONGEST_DESCRIPTION},
    "tags": {
        "type": ["array", "null"],
        "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_TAG},
        "maxItems": MOST_TAGS,
    },
}
SCHEMAS: Final[dict[str, JsonObject]] = {
    "Problem": _object({"type": _TEXT, "title": _TEXT, "status": _COUNT, "detail": _TEXT, "code": _TEXT}),
    "Principal": _object({"id": _TEXT, "accessToken": _OBJECT, "accountType": _TEXT, "type": _TEXT}),
    "Account": _object({"id": _TEXT, "tenantType": _TEXT, "displayName": _TEXT, "isOrganization": _FLAG}),
    "Execution": _object(_EXECUTION, **_MORE),
    "Job": _object(_EXECUTION, **_MORE, input=_TEXT),
    "ExecutionPage": _object(
        {
            "content": _list("Execution"),
            **dict.fromkeys(("page", "size", "totalElements", "totalPages", "number"), _COUNT),
            "numberOfElements": _COUNT,
            **dict.fromkeys(("first", "last", "empty"), _FLAG),
            "sort": {
                "type": "array",
                "items": _object({"property": _TEXT, "direction": {"enum": ["ASC", "DESC"]}}),
            },
        }
    ),
    "Result": _object({"_embedded": _OBJECT, "_links": _OBJECT}),
    "LogEntry": _object({"message": _TEXT, "severity": _TEXT, "timestamp": _TEXT}),
    "Logs": _object(
        {"empty": _FLAG, "content": _list("LogEntry")},
        first={"$ref": "#/components/schemas/LogEntry"},
        last={"$ref": "#/components/schemas/LogEntry"},
    ),
    "Metrics": _object(
        {
            "serviceExecutionId": _TEXT,
            **dict.fromkeys(("cpuUsage", "cpuLimit", "memoryUsage", "memoryLimit"), _POINTS),
        },
        startTime=_TEXT,
        endTime=_TEXT,
    ),
    "Lineage": _object({"nodes": {"type": "array", "items": _OBJECT}, "truncated": _FLAG}),
    "NewJob": _object({"serviceId": _TEXT}, input=_OBJECT, tags=_TEXTS, storeInput=_FLAG),
    "Changes": _object({}, input=_OBJECT, tags=_TEXTS),
    "Overview": _object(_OVERVIEW),
    "Service": _object(
        {
            "id": _TEXT,
            "name": _TEXT,
            "displayName": _TEXT,
            "currentUserPermission": {"enum": ["VIEWER", "MAINTAINER", "OWNER"]},
            "serviceDefinitions": {"type": "array", "items": _OBJECT, "minItems": 1, "maxItems": 1},
        }
    ),
    "Statistics": _object(
        {
            "stars": _COUNT,
            "subscriptionCount": _COUNT,
            "managedServiceExecutions": _object(
                {f"{name}Count": _COUNT for name in ("total", "thisMonth", "lastMonth", "lastThreeMonths")}
            ),
        }
    ),
    "BuildStatus": _object(
        {
            "status": {"enum": ["WORKING", "SUCCESS", "FAILURE"]},
            "step": {"enum": ["INIT", "BUILD_IMAGE", "PUSH_IMAGE"]},
        },
        createdAt=_TEXT,
        finishedAt=_TEXT,
        validationResult=_object({"state": _TEXT, "summary": _TEXT, "messages": _TEXTS}),
    ),
    "Application": _object({"id": _TEXT, "name": _TEXT, "currentUserPermission": _TEXT}),
    "AccessKey": _object(
        {"type": _TEXT, "accessKeyId": _TEXT, "secretAccessKey": {"type": "null"}, "tokenEndpoint": _TEXT}
    ),
    "DataPool": _object(
        {
            "id": _TEXT,
            "name": _TEXT,
            "shortDescription": {"type": ["string", "null"]},
            "description": {"type": ["string", "null"]},
            "tags": _TEXTS,
            "createdAt": _TEXT,
            "currentUserPermission": {"enum": ["VIEWER", "MAINTAINER", "OWNER"]},
        }
    ),
    "NewDataPool": _object(
        {"name": {"type": "string", "minLength": SHORTEST_NAME, "maxLength": LONGEST_DISPLAY_NAME}}, **_POOL
    ),
    "ChangedDataPool": _object(
        {}, name={"type": ["string", "null"], "maxLength": LONGEST_DISPLAY_NAME}, **_POOL
    ),
    "DataPoolFile": _object(
        {
            **dict.fromkeys(
                ("id", "dataPoolId", "name", "fullPath", "contentType", "createdAt", "version"), _TEXT
            ),
            "sha256": {"type": ["string", "null"]},
            "contentLength": _COUNT,
        }
    ),
    "NewGrant": _object(
        {
            "applicationId": {"type": "string", "minLength": 1, "maxLength": LONGEST_APPLICATION},
            "permission": {"enum": [permission.value for permission in GrantPermission]},
        }
    ),
    "Grant": _object({"token": _TEXT}),
    "Upload": _object({"file": {"type": "string", "format": "binary"}}),
    "Subscription": _object({"id": _TEXT, "application": _OBJECT, "service": _OBJECT}),
    "NewSubscription": _object({"serviceId": _TEXT, "applicationId": _TEXT}),
    **BODIES,
    "Flag": _FLAG,
    "Text": _TEXT,
    "Object": _OBJECT,
    "Nothing": {"not": {}},
}
