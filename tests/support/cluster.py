"""A small synchronous Kubernetes client for tests: JSON in and out, waiting by watches, never by sleeping."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import config

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.kube.kinds import ResourceKind

NAMESPACES: Final = ResourceKind("", "v1", "namespaces")
NODES: Final = ResourceKind("", "v1", "nodes")
SECRETS: Final = ResourceKind("", "v1", "secrets")
SERVICES: Final = ResourceKind("", "v1", "services")
SERVICE_ACCOUNTS: Final = ResourceKind("", "v1", "serviceaccounts")
RESOURCE_QUOTAS: Final = ResourceKind("", "v1", "resourcequotas")
LIMIT_RANGES: Final = ResourceKind("", "v1", "limitranges")
VALIDATING_WEBHOOKS: Final = ResourceKind(
    "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"
)
ROLES: Final = ResourceKind("rbac.authorization.k8s.io", "v1", "roles")
ROLE_BINDINGS: Final = ResourceKind("rbac.authorization.k8s.io", "v1", "rolebindings")
DEPLOYMENTS: Final = ResourceKind("apps", "v1", "deployments")
CUSTOM_RESOURCE_DEFINITIONS: Final = ResourceKind("apiextensions.k8s.io", "v1", "customresourcedefinitions")

_REQUEST_SECONDS: Final = 60


class ApiError(Exception):
    """The API server refused; ``status`` is the HTTP status, the message the server's own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class DeadlineError(AssertionError):
    """What a test waited for did not come in time."""


class Cluster:
    """The cluster that KUBECONFIG names, or another configuration file."""

    def __init__(self, kubeconfig: str | None = None) -> None:
        """Raise ``kubernetes.config.ConfigException`` when there is no usable configuration."""
        self.kubeconfig = kubeconfig
        self._client = config.new_client_from_config(config_file=kubeconfig)

    @property
    def server(self) -> str:
        """Return the URL of the API server."""
        return str(self._client.configuration.host)

    def _open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: JsonValue = None,
        content_type: str = "application/json",
        seconds: float = _REQUEST_SECONDS,
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = f"{self.server}{quote(path)}" + (f"?{urlencode(query)}" if query else "")
        response: urllib3.BaseHTTPResponse = self._client.rest_client.pool_manager.request(
            method,
            url,
            headers=headers,
            body=None if body is None else json.dumps(body).encode(),
            timeout=seconds,
            preload_content=False,
        )
        if response.status >= 400:
            data = response.data
            try:
                message = str(json.loads(data)["message"])
            except (ValueError, KeyError, TypeError):
                message = data.decode(errors="replace")
            raise ApiError(response.status, message)
        return response

    def _json(self, method: str, path: str, **options: Any) -> JsonObject:
        response = self._open(method, path, **options)
        return cast("JsonObject", json.loads(response.data))

    def get(self, kind: ResourceKind, namespace: str | None, name: str) -> JsonObject | None:
        """Return an object, or None when there is none."""
        try:
            return self._json("GET", kind.path(namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def select(
        self, kind: ResourceKind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> list[JsonObject]:
        """Return the objects that both selectors choose."""
        return self._select(kind, namespace, labels=labels, fields=fields)[0]

    def _select(
        self, kind: ResourceKind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> tuple[list[JsonObject], str]:
        body = self._json("GET", kind.path(namespace), query=_selectors(labels, fields))
        metadata = cast("JsonObject", body["metadata"])
        return cast("list[JsonObject]", body.get("items") or []), str(metadata["resourceVersion"])

    def create(self, kind: ResourceKind, namespace: str | None, manifest: JsonObject) -> JsonObject:
        """Create an object; raises ApiError."""
        return self._json("POST", kind.path(namespace), body=manifest)

    def create_sub(
        self, kind: ResourceKind, namespace: str, name: str, subresource: str, manifest: JsonObject
    ) -> JsonObject:
        """Post to a subresource, such as a ServiceAccount's token."""
        return self._json("POST", kind.path(namespace, name, subresource), body=manifest)

    def patch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        patch: JsonObject,
        *,
        subresource: str = "",
    ) -> JsonObject:
        """Apply a JSON merge patch; raises ApiError."""
        path = kind.path(namespace, name, subresource or None)
        return self._json("PATCH", path, body=patch, content_type="application/merge-patch+json")

    def delete(
        self, kind: ResourceKind, namespace: str | None, name: str, *, grace_seconds: int | None = None
    ) -> None:
        """Delete an object and, in the background, what it owns; one that is gone already is fine."""
        body: JsonObject = {"propagationPolicy": "Background"}
        if grace_seconds is not None:
            body["gracePeriodSeconds"] = grace_seconds
        try:
            self._json("DELETE", kind.path(namespace, name), body=body)
        except ApiError as error:
            if error.status != 404:
                raise

    def pod_log(self, namespace: str, pod: str, container: str, *, tail_lines: int = 200) -> str:
        """Return the end of a container's log, or why there is none."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        query = {"container": container, "tailLines": str(tail_lines)}
        try:
            return self._open("GET", path, query=query).data.decode(errors="replace")
        except ApiError as error:
            return f"(no log: {error.message})"

    def follow_log_until(self, namespace: str, pod: str, container: str, text: str, *, seconds: float) -> str:
        """Follow a container's log until ``text`` is in it, and return what was read; raises DeadlineError."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        response = self._open("GET", path, query={"container": container, "follow": "true"}, seconds=seconds)
        read = b""
        try:
            for chunk in response.stream(65536, decode_content=True):
                read += chunk
                if text.encode() in read:
                    return read.decode(errors="replace")
        except urllib3.exceptions.HTTPError as error:
            raise DeadlineError(f"{text!r} not in the log of {pod}: {read[-2000:]!r}") from error
        finally:
            response.close()
        raise DeadlineError(f"the log of {pod} ended without {text!r}: {read[-2000:]!r}")

    def metrics(self, path: str) -> str:
        """Return a text document of the API server."""
        return self._open("GET", path).data.decode()

    def wait_for(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        condition: Callable[[JsonObject], bool],
        *,
        seconds: float,
        what: str,
    ) -> JsonObject:
        """Return the object as soon as ``condition`` holds of it; raises DeadlineError that names ``what``."""

        def holds(found: Mapping[str, JsonObject]) -> bool:
            return name in found and condition(found[name])

        found = self.wait_for_all(
            kind, namespace, holds, fields=f"metadata.name={name}", seconds=seconds, what=what
        )
        return found[name]

    def wait_until_gone(
        self, kind: ResourceKind, namespace: str | None, *, labels: str = "", fields: str = "", seconds: float
    ) -> None:
        """Wait until no object of that kind is chosen any more."""
        self.wait_for_all(
            kind,
            namespace,
            lambda found: not found,
            labels=labels,
            fields=fields,
            seconds=seconds,
            what=f"{kind.plural} gone",
        )

    def wait_for_all(
        self,
        kind: ResourceKind,
        namespace: str | None,
        condition: Callable[[Mapping[str, JsonObject]], bool],
        *,
        labels: str = "",
        fields: str = "",
        seconds: float,
        what: str,
    ) -> dict[str, JsonObject]:
        """Return the chosen objects by name as soon as ``condition`` holds of them together."""
        end = time.monotonic() + seconds
        found: dict[str, JsonObject] = {}
        while True:
            items, version = self._select(kind, namespace, labels=labels, fields=fields)
            found = {name_of(item): item for item in items}
            if condition(found):
                return found
            for kind_of_event, item in self._watch(
                kind, namespace, version, labels=labels, fields=fields, end=end
            ):
                if kind_of_event == "DELETED":
                    found.pop(name_of(item), None)
                else:
                    found[name_of(item)] = item
                if condition(found):
                    return found
            if time.monotonic() >= end:
                last = json.dumps([item.get("status") for item in found.values()][:3])[:3000]
                raise DeadlineError(f"not within {seconds:g} s: {what}; last seen: {last}")

    def _watch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        version: str,
        *,
        labels: str,
        fields: str,
        end: float,
    ) -> Iterator[tuple[str, JsonObject]]:
        left = max(1, int(end - time.monotonic()) + 1)
        query = {
            **_selectors(labels, fields),
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(min(left, 300)),
        }
        response = self._open("GET", kind.path(namespace), query=query, seconds=min(left, 300) + 10)
        try:
            pending = b""
            for chunk in response.stream(65536, decode_content=True):
                pending += chunk
                *lines, pending = pending.split(b"\n")
                for line in filter(None, lines):
                    event = cast("JsonObject", json.loads(line))
                    if event["type"] == "ERROR":
                        return
                    yield str(event["type"]), cast("JsonObject", event["object"])
                    if time.monotonic() >= end:
                        return
        except urllib3.exceptions.HTTPError:
            return  # the list that follows tells what was missed
        finally:
            response.close()


def _selectors(labels: str, fields: str) -> dict[str, str]:
    named = {"labelSelector": labels, "fieldSelector": fields}
    return {name: value for name, value in named.items() if value}


def member(value: JsonValue, *path: str | int) -> JsonValue:
    """Return what stands at ``path`` inside JSON, None where a step is missing."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def name_of(item: JsonObject) -> str:
    """Return an object's name."""
    return str(member(item, "metadata", "name"))


def uid_of(item: JsonObject) -> str:
    """Return an object's uid."""
    return str(member(item, "metadata", "uid"))
