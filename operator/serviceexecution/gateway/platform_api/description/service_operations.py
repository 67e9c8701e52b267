"""The calls about services and managed services, one line each. Pure."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.platform_api.description.operation import Operation

_TEXT: Final[JsonObject] = {"type": "string"}
_TEXTS: Final[JsonObject] = {"type": "array", "items": _TEXT}
_M: Final = "/managed-services/{id}"
SERVICE_OPERATIONS: Final = (
    Operation("get", "/services", "getServices", "List services", "Overview[]", {"lifecycle": _TEXTS}),
    Operation(
        "get",
        "/services/name-available",
        "checkServiceNameAvailability",
        "Tell whether no service has a name",
        "Flag",
        {"name": _TEXT},
    ),
    Operation("get", "/services/{id}", "getService", "Show a service", "Service"),
    Operation("delete", "/services/{id}", "deleteService", "Delete a service", status=204),
    *(
        Operation("put", f"/services/{{id}}/{path}", f"updateService{name}", said, body=name, status=204)
        for path, name, said in (
            ("summary", "Summary", "Say in one line what a service is"),
            ("description", "Description", "Say what a service does"),
            ("display-name", "DisplayName", "Name a service for people"),
            ("links", "Links", "Say where there is more about a service"),
            ("contacts", "Contacts", "Say who answers questions about a service"),
            ("publication", "Publication", "Say that only accounts of the cluster find a service, as always"),
        )
    ),
    Operation("delete", "/services/{id}/publication", "deleteServicePublication", "The same", status=204),
    Operation(
        "get",
        "/services/{id}/openapi",
        "getServiceOpenApi",
        "Give a service's OpenAPI text",
        "Text",
        {"format": {"enum": ["JSON", "YAML"]}},
    ),
    Operation(
        "put",
        "/services/{id}/openapi",
        "updateServiceOpenApi",
        "Take the schemas that inputs, and results, are checked by from an OpenAPI text",
        parameters={
            "outputSchema": {"type": "boolean", "description": "Whether the result's is taken as well."}
        },
        body="Upload",
        body_type="multipart/form-data",
        status=204,
    ),
    Operation("get", "/services/{id}/statistics", "getServiceStatistics", "Count executions", "Statistics"),
    Operation(
        "get",
        "/services/{id}/subscriptions",
        "getServiceSubscriptions",
        "List keys that may run it",
        "Subscription[]",
    ),
    Operation(
        "post",
        "/managed-services",
        "createManagedService",
        "Make a service; what it is built from is uploaded after that",
        "Service",
        body="NewManagedService",
        status=201,
    ),
    Operation(
        "put",
        f"{_M}/source/file",
        "uploadManagedServiceSource",
        "Upload a tar.gz or zip file, which is then built",
        body="Upload",
        body_type="multipart/form-data",
        status=204,
    ),
    Operation(
        "get",
        f"{_M}/source",
        "downloadManagedServiceSource",
        "Fetch the archive that a service is built from",
        "",
        media_type="*/*",
    ),
    *(
        Operation("put", f"{_M}/{path}", f"updateManagedService{name}", said, body=name, status=204)
        for path, name, said in (
            ("source", "Source", "Say where the source of a service is"),
            ("runtime-configuration", "RuntimeConfiguration", "Set runtime and variables of a service"),
            ("resource-configuration", "ResourceConfiguration", "Set CPU or memory of a service"),
        )
    ),
    Operation(
        "put",
        f"{_M}/build",
        "buildManagedService",
        "Build a service again, unless a build is on its way",
        status=204,
    ),
    Operation(
        "get", "/managed-services/{id}/build-status", "getBuildStatus", "Show the newest build", "BuildStatus"
    ),
    Operation("get", "/managed-services/{id}/build-logs", "getBuildLogs", "Show its log", "LogEntry[]"),
)
