"""A cluster in memory with the parts of the API that the Service API's gateway uses, and faults on demand."""

import asyncio
import copy
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from serviceexecution.kube.client import ListPage, TokenIdentity, WatchEvent
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError, GoneError, KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS

NAMESPACE = "team-a"
SERVICE = "sum"


class FakeCluster:
    """``faults``: (verb, plural) → what to raise, before or after the write took effect; each is used once."""

    def __init__(self):
        self.objects = {}
        self.version = 100
        self.calls = []
        self.faults = []
        self.tokens = {("alice-token", None): TokenIdentity("alice")}
        self.allowed = lambda _: True
        self.reviews = 0
        self.watchers = []
        self.down = False
        self.page_size = 100
        self.listed_bytes: list[int] = []

    def fail(self, verb, plural, error=None, *, after=False):
        self.faults.append((verb, plural, error or KubernetesError("no answer"), after))

    def seed(self, kind, namespace, name, **parts):
        body = {
            "metadata": {"name": name, "namespace": namespace, **parts.pop("metadata", {})},
            **parts,
        }
        return self._store(kind, body)

    def define(self, name=SERVICE, namespace=NAMESPACE, **spec):
        runtime = {"docker": {"image": "busybox"}}
        return self.seed(SERVICE_DEFINITIONS, namespace, name, spec={"runtime": runtime, **spec})

    def of(self, kind, namespace=NAMESPACE):
        return {key[2]: body for key, body in self.objects.items() if key[:2] == (kind.plural, namespace)}

    async def get(self, kind, namespace, name):
        async with self._call("get", kind):
            return copy.deepcopy(self.objects.get((kind.plural, namespace, name)))

    async def list_pages(
        self, kind, namespace, *, label_selector=None, field_selector=None, metadata_only=False
    ):
        async with self._call("list", kind):
            found = [
                {"metadata": body["metadata"]} if metadata_only else body
                for key, body in sorted(self.objects.items())
                if key[0] == kind.plural and namespace in {None, key[1]} and _selected(body, label_selector)
            ]
        version = str(self.version)
        for at in range(0, max(1, len(found)), self.page_size):
            items = copy.deepcopy(found[at : at + self.page_size])
            self.listed_bytes.append(len(json.dumps(items)))
            yield ListPage(items, version)

    async def create(self, kind, namespace, manifest):
        async with self._call("create", kind):
            name = manifest["metadata"]["name"]
            if (kind.plural, namespace, name) in self.objects:
                raise AlreadyExistsError("exists", status=409, reason="AlreadyExists")
            body = copy.deepcopy(manifest)
            body["metadata"]["namespace"] = namespace
            return copy.deepcopy(self._store(kind, body))

    async def patch(self, kind, namespace, name, patch, *, subresource=None):
        async with self._call("patch", kind):
            body = self.objects.get((kind.plural, namespace, name))
            if body is None:
                return None
            _merge(body, patch)
            self._touch(kind, body, "MODIFIED")
            return copy.deepcopy(body)

    async def delete(self, kind, namespace, name, *, uid=None, resource_version=None):
        async with self._call("delete", kind):
            body = self.objects.get((kind.plural, namespace, name))
            if body is None:
                return False
            if resource_version not in {None, body["metadata"]["resourceVersion"]}:
                raise ConflictError("changed", status=409)
            del self.objects[kind.plural, namespace, name]
            self._tell(kind, WatchEvent("DELETED", copy.deepcopy(body)))
            return True

    async def watch(self, kind, namespace, *, timeout_seconds, resource_version=None, **_):
        if resource_version == "gone":
            raise GoneError("too old", status=410)
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self.watchers.append((kind.plural, queue))
        while True:
            event = await queue.get()
            if isinstance(event, Exception):
                raise event
            yield event

    async def create_token(self, namespace, account, *, audience, seconds, bound_secret=None):
        self.calls.append(("token", account))
        return f"token-of-{namespace}-{account}", datetime.now(UTC) + timedelta(seconds=seconds)

    async def review_token(self, token, audience):
        self.reviews += 1
        if self.down:
            raise KubernetesError("down", status=503)
        return self.tokens.get((token, audience))

    async def review_access(self, identity, **question):
        self.calls.append(("review", question["verb"], question["subresource"], question["name"]))
        return self.allowed(question)

    def break_watches(self, error):
        for _, queue in self.watchers:
            queue.put_nowait(error)

    def finish(self, name, phase, **status):
        body = self.objects["serviceexecutions", NAMESPACE, name]
        body["status"] = {"phase": phase, **status}
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(body)

    def _call(self, verb, kind):
        return _Call(self, verb, kind.plural)

    def _store(self, kind, body):
        metadata = body["metadata"]
        metadata.setdefault("uid", str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", datetime.now(UTC).isoformat())
        self.objects[kind.plural, metadata["namespace"], metadata["name"]] = body
        self._touch(kind, body, "ADDED")
        return body

    def _touch(self, kind, body, event):
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self._tell(kind, WatchEvent(event, copy.deepcopy(body)))

    def _tell(self, kind, event):
        for plural, queue in self.watchers:
            if plural == kind.plural:
                queue.put_nowait(event)


class _Call:
    """One request: a fault before it takes effect, or after."""

    def __init__(self, cluster, verb, plural):
        self.cluster, self.verb, self.plural = cluster, verb, plural
        self.later = None

    async def __aenter__(self):
        self.cluster.calls.append((self.verb, self.plural))
        if self.cluster.down:
            raise KubernetesError("down", status=503)
        for fault in self.cluster.faults:
            if fault[:2] == (self.verb, self.plural):
                self.cluster.faults.remove(fault)
                if not fault[3]:
                    raise fault[2]
                self.later = fault[2]
                break

    async def __aexit__(self, kind, error, _):
        if self.later is not None and error is None:
            raise self.later
        return False


def _selected(body, selector):
    labels = body["metadata"].get("labels", {})
    for term in selector.split(",") if selector else ():
        name, unequal, value = term.partition("!=")
        if (labels.get(name) == value) if unequal else (name not in labels):
            return False
    return True


def _merge(body, patch):
    for name, value in patch.items():
        if isinstance(value, dict) and isinstance(body.get(name), dict):
            _merge(body[name], value)
        elif value is None:
            body.pop(name, None)
        else:
            body[name] = copy.deepcopy(value)
