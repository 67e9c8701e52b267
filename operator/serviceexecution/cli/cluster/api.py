"""Requests to the Kubernetes API on behalf of the person at the keyboard: JSON objects in and out."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Self

import httpx

from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.json_types import JsonObject, object_at, object_of, objects_of, text_at
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_ACCOUNTS, ResourceKind
from serviceexecution.resources.names import API_GROUP

FIELD_MANAGER: Final = "sx"
Objects = list[JsonObject]
_PAGE: Final = 500
WATCH_SECONDS: Final = 90.0
"""The API server sends a bookmark about every minute: a longer silence is a dead stream."""


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that another one has set to another value: its path, as ``.spec.timeout``, and who."""

    field: str
    manager: str


class ApiError(KubernetesError):
    """An answer of the API server that is an error. ``conflicts`` is what a server-side apply met."""

    def __init__(
        self, message: str, *, status: int, reason: str, conflicts: tuple[FieldConflict, ...] = ()
    ) -> None:
        super().__init__(message, status=status, reason=reason)
        self.conflicts = conflicts


class ClusterApi:
    """The API server. Every method raises ApiError, httpx.HTTPError when it cannot be reached, and
    ImpossibleNameError, another KubernetesError, for what can be no name."""

    def __init__(self, http: httpx.Client, *, context: str) -> None:
        """``context`` is the kubeconfig context's name, for messages."""
        self.http = http
        self._context = context

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, kind: ResourceKind, namespace: str | None, name: str) -> JsonObject | None:
        """Return the object, None when there is none of that name."""
        return _if_there(lambda: self._request("GET", kind.path(namespace, name)))

    def list(
        self, kind: ResourceKind, namespace: str | None, *, label_selector: str = "", field_selector: str = ""
    ) -> list[JsonObject]:
        """Return all objects, of all namespaces for None."""
        return self.list_at(kind, namespace, label_selector=label_selector, field_selector=field_selector)[0]

    def list_at(
        self, kind: ResourceKind, namespace: str | None, *, label_selector: str = "", field_selector: str = ""
    ) -> tuple[Objects, str]:
        """Return all objects, and the version from which ``watch`` misses nothing."""
        params = {"limit": str(_PAGE)} | _selectors(label_selector, field_selector)
        found: list[JsonObject] = []
        while True:
            page = self._request("GET", kind.path(namespace), params=params)
            found += objects_of(page.get("items"))
            token = text_at(page, "metadata", "continue")
            if not token:
                return found, text_at(page, "metadata", "resourceVersion")
            params["continue"] = token

    def watch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        field_selector: str = "",
        version: str,
        seconds: float = WATCH_SECONDS,
    ) -> Iterator[tuple[str, JsonObject]]:
        """Give what happens to objects, ADDED, MODIFIED, DELETED or BOOKMARK, until the API server ends that.

        Silence of so many ``seconds`` raises httpx.ReadTimeout.
        """
        params = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        params |= _selectors("", field_selector)
        with self.http.stream("GET", kind.path(namespace), params=params, timeout=seconds) as answer:
            if not answer.is_success:
                answer.read()
                raise self._refusal(answer, document_of(answer), kind.path(namespace))
            for line in answer.iter_lines():
                event = object_of(json.loads(line))
                found = object_of(event.get("object"))
                if event.get("type") == "ERROR":
                    status = found.get("code")
                    reason = str(found.get("reason") or "")
                    raise ApiError(
                        str(found.get("message") or "The watch has ended."),
                        status=status if isinstance(status, int) else 500,
                        reason=reason,
                    )
                yield str(event.get("type")), found

    def delete(self, kind: ResourceKind, namespace: str, name: str) -> bool:
        """Delete an object; False when there was none."""
        return _if_there(lambda: self._request("DELETE", kind.path(namespace, name))) is not None

    def create(self, kind: ResourceKind, namespace: str | None, manifest: JsonObject) -> JsonObject:
        """Create an object and return it as stored."""
        return self._request(
            "POST", kind.path(namespace), params={"fieldManager": FIELD_MANAGER}, body=manifest
        )

    def apply(
        self,
        kind: ResourceKind,
        namespace: str,
        name: str,
        manifest: JsonObject,
        *,
        force: bool = False,
        dry_run: bool = False,
    ) -> JsonObject:
        """Apply on the server's side: what others have set and the manifest does not name stays.

        Unknown fields are refused. Raises ApiError with conflicts unless ``force``.
        """
        params = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", "force": json.dumps(force)}
        params |= {"dryRun": "All"} if dry_run else {}
        return self._request(
            "PATCH",
            kind.path(namespace, name),
            params=params,
            body=manifest,
            media_type="application/apply-patch+yaml",
        )

    def patch(
        self, kind: ResourceKind, namespace: str, name: str, patch: JsonObject, *, manager: str
    ) -> JsonObject | None:
        """Apply a JSON merge patch; None when there is no such object."""
        return _if_there(
            lambda: self._request(
                "PATCH",
                kind.path(namespace, name),
                params={"fieldManager": manager},
                body=patch,
                media_type="application/merge-patch+json",
            )
        )

    def create_token(self, namespace: str, account: str, request: JsonObject) -> JsonObject:
        """Post a TokenRequest and return the answer."""
        return self._request("POST", SERVICE_ACCOUNTS.path(namespace, account, "token"), body=request)

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: JsonObject | None = None,
        media_type: str = "application/json",
    ) -> JsonObject:
        headers = {"Accept": "application/json"}
        content = None
        if body is not None:
            headers["Content-Type"] = media_type
            content = json.dumps(body, ensure_ascii=False).encode()
        answer = self.http.request(method, path, params=params, headers=headers, content=content)
        document = document_of(answer)
        if answer.is_success:
            return document
        raise self._refusal(answer, document, path)

    def _refusal(self, answer: httpx.Response, document: JsonObject, path: str) -> Exception:
        error = _error(answer, document)
        if error.status == 401:
            return CommandError(
                f"The cluster does not accept the credentials of the context {self._context}; log in again."
            )
        if _is_missing_kind(error) and f"/apis/{API_GROUP}/" in path:
            return CommandError(
                f"ServiceExecution is not installed in the cluster of {self._context}: install the chart first."
            )
        return error


def _if_there(ask: Callable[[], JsonObject]) -> JsonObject | None:
    """Return what the API server answers, None when there is no such object."""
    try:
        return ask()
    except KubernetesError as error:
        if error.status == 404 and not _is_missing_kind(error):
            return None
        raise


def _selectors(labels: str, fields: str) -> dict[str, str]:
    return ({"labelSelector": labels} if labels else {}) | ({"fieldSelector": fields} if fields else {})


def document_of(answer: httpx.Response) -> JsonObject:
    """Return the object that an answer holds, an empty one when it holds none."""
    try:
        value = answer.json()
    except ValueError:
        value = None
    return object_of(value)


def _error(answer: httpx.Response, document: JsonObject) -> ApiError:
    message = str(document.get("message") or f"The API server answered with status {answer.status_code}.")
    conflicts = tuple(
        FieldConflict(str(cause.get("field") or ""), str(cause.get("message") or ""))
        for cause in objects_of(object_at(document, "details").get("causes"))
        if cause.get("reason") == "FieldManagerConflict"
    )
    return ApiError(
        message, status=answer.status_code, reason=str(document.get("reason") or ""), conflicts=conflicts
    )


def _is_missing_kind(error: KubernetesError) -> bool:
    """Tell whether the API server does not know the kind at all."""
    return error.status == 404 and (not error.reason or "could not find the requested resource" in str(error))
