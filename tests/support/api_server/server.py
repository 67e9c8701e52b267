"""The requests of the API server in memory, as ``KubernetesClient`` makes them."""

import copy
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from serviceexecution.contract.json_types import JsonObject, object_of
from serviceexecution.kube.client import ListPage, ObjectList, TokenIdentity, WatchEvent
from serviceexecution.kube.errors import (
    AlreadyExistsError,
    ConflictError,
    GoneError,
    ImpossibleNameError,
    KubernetesError,
)
from serviceexecution.kube.kinds import EVENTS, ResourceKind
from serviceexecution.kube.pages import PAGE_SIZE, TIMES_BEGUN_AGAIN
from tests.support.api_server.bodies import metadata_of, patched
from tests.support.api_server.changes import Watch
from tests.support.api_server.objects import StoredObjects
from tests.support.api_server.requests import WRITES, Fault, Hook, Request


class ApiServer(StoredObjects):
    """Implements GatewayKubernetes, and of KubernetesClient what the controller calls.

    It knows no schemas, admission, quotas and roles: a test says what is refused. Nobody runs pods, and they go at once
    when they are deleted.
    """

    page_size = 2
    """Objects in a page at most, whatever the client asks for: few, so that lists have several pages."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        super().__init__(*([] if now is None else [now]))
        self.hook: Hook | None = None
        self.down = False
        """Whether no request is answered."""
        self.requests: list[Request] = []
        self.created: Counter[str] = Counter()
        """How many objects of each kind clients have created."""
        self.tokens: dict[tuple[str, str | None], TokenIdentity] = {}
        """Who shows a token for an audience."""
        self.reviews = 0
        """How many tokens were shown."""
        self.allowed: Callable[[Mapping[str, str]], bool] = lambda _: True
        """Answers what an access review asks."""
        self.questions: list[dict[str, str]] = []
        """What access reviews have asked."""
        self.faults: list[Fault] = []
        """What ``fail`` was told and no request has met yet."""

    async def get(self, kind: ResourceKind, namespace: str | None, name: str) -> JsonObject | None:
        if _impossible(kind, namespace, name):
            return None
        with self._asked(Request("get", kind.plural, name, namespace)):
            return copy.deepcopy(self.objects.get((kind.plural, namespace, name)))

    async def list(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> ObjectList:
        items: list[JsonObject] = []
        version = ""
        pages = self.list_pages(kind, namespace, label_selector=label_selector, field_selector=field_selector)
        async for page in pages:
            if page.begun_again:
                items.clear()
            items += page.items
            version = page.resource_version
        return ObjectList(items, version)

    async def list_pages(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        metadata_only: bool = False,
        limit: int = PAGE_SIZE,
    ) -> AsyncGenerator[ListPage, None]:
        """Give pages of one snapshot; they are counted as one request."""
        size = min(limit, self.page_size)
        begun = 0
        with self._asked(Request("list", kind.plural, "", namespace, metadata_only=metadata_only)):
            found, version = self.selected(kind, namespace, label_selector, field_selector), self.version
        at = 0
        while at < max(len(found), 1):
            again = at > 0 and version < self.changes.oldest
            if again:
                begun += 1
                if begun > TIMES_BEGUN_AGAIN:
                    raise GoneError("the continue token is too old", status=410, reason="Expired")
                found, version = self.selected(kind, namespace, label_selector, field_selector), self.version
                at = 0
            items = [_shown(body, metadata_only=metadata_only) for body in found[at : at + size]]
            yield ListPage(items, str(version), limit=size, begun_again=again)
            at += size

    async def create(
        self,
        kind: ResourceKind,
        namespace: str | None,
        manifest: JsonObject,
        *,
        metadata_only: bool = False,
    ) -> JsonObject:
        body = {name: copy.deepcopy(value) for name, value in manifest.items() if name != "status"}
        metadata = metadata_of(body)
        if namespace is not None:
            metadata["namespace"] = namespace
        if "name" not in metadata:
            metadata["name"] = f"{metadata['generateName']}{secrets.token_hex(3)[:5]}"
        name = str(metadata["name"])
        with self._asked(Request("create", kind.plural, name, namespace, metadata_only=metadata_only)):
            if (kind.plural, namespace, name) in self.objects:
                raise AlreadyExistsError(
                    f'{kind.plural} "{name}" already exists', status=409, reason="AlreadyExists"
                )
            self.created[kind.plural] += 1
            return _shown(self.put(kind, body), metadata_only=metadata_only)

    async def patch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        patch: JsonObject,
        *,
        subresource: str | None = None,
        metadata_only: bool = False,
    ) -> JsonObject | None:
        if _impossible(kind, namespace, name):
            return None
        resource = kind.plural if subresource is None else f"{kind.plural}/{subresource}"
        with self._asked(Request("patch", resource, name, namespace, metadata_only=metadata_only)):
            found = self.objects.get((kind.plural, namespace, name))
            if found is None:
                return None
            if "metadata" in patch:
                _check_version(found, metadata_of(patch).get("resourceVersion"))
            stored = self.replace(kind, namespace, name, patched(found, patch, subresource))
            return _shown(stored, metadata_only=metadata_only)

    async def replace_fields(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        fields: JsonObject,
        *,
        resource_version: str,
    ) -> JsonObject | None:
        if _impossible(kind, namespace, name):
            return None
        with self._asked(Request("patch", kind.plural, name, namespace)):
            found = self.objects.get((kind.plural, namespace, name))
            if found is None:
                return None
            _check_version(found, resource_version)
            changed = copy.deepcopy(found)
            changed["spec"] = {**object_of(changed.get("spec")), **copy.deepcopy(fields)}
            return copy.deepcopy(self.replace(kind, namespace, name, changed))

    async def delete(
        self,
        kind: ResourceKind,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: str = "Background",
        grace_period_seconds: int | None = None,
    ) -> bool:
        """Delete at once and, as the garbage collector does, what the object owns."""
        if _impossible(kind, namespace, name):
            return False
        with self._asked(Request("delete", kind.plural, name, namespace)):
            found = self.objects.get((kind.plural, namespace, name))
            if found is None or uid not in {None, metadata_of(found)["uid"]}:
                return False
            _check_version(found, resource_version)
            self.remove(kind, namespace, name)
            return True

    def watch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        timeout_seconds: int,
        resource_version: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Give changes after ``resource_version``, or first what exists; it sends no bookmarks of its own."""
        watch = Watch(kind.plural, namespace, label_selector, field_selector)
        existing = self.selected(kind, namespace, label_selector, field_selector)
        return self.changes.follow(watch, resource_version, copy.deepcopy(existing), timeout_seconds)

    async def create_token(
        self,
        namespace: str,
        account: str,
        *,
        audience: str,
        seconds: int,
        bound_secret: tuple[str, str] | None = None,
    ) -> tuple[str, datetime]:
        with self._asked(Request("create", "serviceaccounts/token", account, namespace)):
            return f"token-of-{namespace}-{account}", self.now() + timedelta(seconds=seconds)

    async def review_token(self, token: str, audience: str | None) -> TokenIdentity | None:
        self.reviews += 1
        self._answer()
        return self.tokens.get((token, audience))

    async def review_access(self, identity: TokenIdentity, **question: str) -> bool:
        self.questions.append(question)
        return self.is_allowed(identity, question)

    def is_allowed(self, identity: TokenIdentity, question: Mapping[str, str]) -> bool:
        """Answer an access review."""
        return self.allowed(question)

    # What a test says and asks.

    def fail(self, verb: str, plural: str, error: Exception | None = None, *, after: bool = False) -> None:
        """Let the next such request fail once, before or after it took effect."""
        self.faults.append(Fault(verb, plural, error or KubernetesError("no answer"), after))

    @property
    def watches(self) -> int:
        """Return how many watches are open."""
        return len(self.changes.watches)

    def writes(self) -> Sequence[str]:
        """Return the writes, Events apart."""
        return [
            f"{request.verb} {request.resource}"
            for request in self.requests
            if request.verb in WRITES and request.resource != EVENTS.plural
        ]

    def _answer(self) -> None:
        if self.down:
            raise KubernetesError("down", status=503)

    @contextmanager
    def _asked(self, request: Request) -> Iterator[None]:
        """Count a request, and let it fail as the test says."""
        self.requests.append(request)
        self._answer()
        if self.hook is not None:
            self.hook(request, "before")
        fault = next((fault for fault in self.faults if fault.meets(request)), None)
        if fault is not None:
            self.faults.remove(fault)
            if not fault.after:
                raise fault.error
        yield
        if self.hook is not None:
            self.hook(request, "after")
        if fault is not None:
            raise fault.error


def _impossible(kind: ResourceKind, namespace: str | None, name: str) -> bool:
    try:
        kind.path(namespace, name)
    except ImpossibleNameError:
        return True
    return False


def _check_version(body: JsonObject, expected: object) -> None:
    if expected not in {None, metadata_of(body)["resourceVersion"]}:
        raise ConflictError("the object has been modified", status=409, reason="Conflict")


def _shown(body: JsonObject, *, metadata_only: bool) -> JsonObject:
    return copy.deepcopy({"metadata": body["metadata"]} if metadata_only else body)
