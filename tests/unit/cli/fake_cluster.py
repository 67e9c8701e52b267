"""An API server with a gateway behind its service proxy, in memory: as much of both as ``sx`` speaks to."""

import asyncio
import contextlib
import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.errors import KubernetesError
from tests.support.api_server.bodies import merge, metadata_of
from tests.support.api_server.paths import ObjectsByPath, place_of
from tests.support.api_server.server import ApiServer
from tests.unit.cli.fake_watch import Snapshots

PROXY = "/api/v1/namespaces/sx-system/services/http:sx-gateway:http/proxy"
GATEWAY_SERVICE: JsonObject = {
    "metadata": {
        "namespace": "sx-system",
        "name": "sx-gateway",
        "labels": {
            "app.kubernetes.io/name": "serviceexecution",
            "app.kubernetes.io/component": "gateway",
            "app.kubernetes.io/instance": "sx",
        },
        "annotations": {
            "serviceexecution.dev/public-url": "https://services.example.com/",
            "serviceexecution.dev/service-account": "gw",
        },
    },
    "spec": {"ports": [{"name": "http", "port": 80}]},
}


class FakeCluster:
    """Objects by path; hooks say what an operator would do. ``seen`` are requests: method, path, headers, body."""

    def __init__(self):
        self.api = ApiServer()
        self.objects = ObjectsByPath(self.api)
        self.objects["/api/v1/namespaces/sx-system/services/sx-gateway"] = GATEWAY_SERVICE
        self.objects["/api/v1/namespaces/team-a/serviceaccounts/sx-cli"] = {}
        self.snapshots = Snapshots(self.api)
        self.seen = []
        self.sources = {}
        self.logs = {}
        self.usage = {}
        self.files = {}
        self.status = "PENDING"
        self.status_members = {}  # Further members of what the gateway says of an execution
        self.problem = None
        self.refused = set()
        self.unauthorized = self.unknown_kinds = False
        self.gateway_tokens = None
        self.rights = []  # Answers to the next questions of rights, yes when there are none
        self.executions = 0
        self.after_apply = lambda definition: None
        self.after_submit = lambda execution: None
        self.conflicts = []
        self.answers = {}
        """Status and body for a path, whatever else is here."""
        self.apply_error = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self.snapshots.ended = True
        self._server.shutdown()
        self._server.server_close()

    def kubeconfig(self, path, *, user=None, namespace="team-a"):
        document = {
            "current-context": "fake",
            "clusters": [{"name": "c", "cluster": {"server": self.url}}],
            "users": [{"name": "u", "user": {"token": "my-token"} if user is None else user}],
            "contexts": [{"name": "fake", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
        }
        path.write_text(json.dumps(document))
        return path

    def definition(self, name, **members):
        path = f"/apis/serviceexecution.dev/v1alpha1/namespaces/team-a/servicedefinitions/{name}"
        self.objects[path] = {
            "metadata": {"name": name, "namespace": "team-a", "generation": 1},
            "spec": {"runtime": {"python": {}}},
            **members,
        }
        return self._of_no_age(path)

    def execution(self, name, **members):
        path = f"/apis/serviceexecution.dev/v1alpha1/namespaces/team-a/serviceexecutions/{name}"
        self.objects[path] = {
            "metadata": {"name": name, "namespace": "team-a", "uid": f"uid-{name}"},
            "spec": {},
            "status": {"phase": "Pending"},
            **members,
        }
        return self._of_no_age(path)

    def _of_no_age(self, path):
        """Return what was stored, to be changed in place; what sx prints of it is the same at any time."""
        found = self.objects[path]
        del metadata_of(found)["creationTimestamp"]
        return found

    def requests(self, method, fragment=""):
        return [one for one in self.seen if one[0] == method and fragment in one[1]]


def _handler(cluster):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            body = self._body()
            cluster.seen.append((self.command, self.path, dict(self.headers), body))
            path = urlsplit(self.path).path
            for method, fragment in cluster.refused:
                if method == self.command and fragment in path:
                    return self._status(403, "Forbidden", f"you may not {method.lower()} {fragment}")
            if cluster.unauthorized:
                return self._status(401, "Unauthorized", "Unauthorized")
            if cluster.unknown_kinds and path.startswith("/apis/serviceexecution.dev"):
                return self._status(404, "NotFound", "the server could not find the requested resource")
            if path in cluster.answers:
                return self._send(*cluster.answers[path])
            if path.startswith(PROXY):
                return self._gateway(path.removeprefix(PROXY), body)
            return self._api(path, body)

        do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = do_DELETE = handle_any  # noqa: N815

        def _body(self):
            if self.headers.get("Transfer-Encoding") == "chunked":
                data = b""
                while size := int(self.rfile.readline(), 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return data
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _api(self, path, body):
            try:
                return self._answer(place_of(path), body)
            except KubernetesError as error:
                return self._status(error.status, error.reason, str(error))

        def _answer(self, place, body):
            if self.command == "GET":
                return self._get(place)
            if self.command == "POST" and place.subresource == "token":
                return self._token(place)
            if self.command == "DELETE":
                return self._delete(place)
            document = json.loads(body)
            if place.kind.plural in {"subjectaccessreviews", "selfsubjectaccessreviews"}:
                allowed = cluster.rights.pop(0) if cluster.rights else True
                return self._send(201, {**document, "status": {"allowed": allowed}})
            if self.command == "POST":
                cluster.objects.remember(place.kind.path(place.namespace, document["metadata"]["name"]))
                stored = asyncio.run(cluster.api.create(place.kind, place.namespace, document))
                return self._send(201, stored)
            if "apply-patch" in self.headers["Content-Type"]:
                return self._apply(place, document)
            stored = asyncio.run(cluster.api.patch(place.kind, place.namespace, place.name, document))
            if stored is None:
                return self._status(404, "NotFound", "not found")
            cluster.after_apply(cluster.api.objects[place.key])
            return self._send(200, stored)

        def _get(self, place):
            if place.name is None:
                return self._list(place)
            body = asyncio.run(cluster.api.get(place.kind, place.namespace, place.name))
            if body is None:
                return self._status(404, "NotFound", f"{place.name} not found")
            return self._send(200, body)

        def _list(self, place):
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            fields = query.get("fieldSelector")
            if "watch" in query:
                return self._watch(place, fields, query["resourceVersion"])
            if "labelSelector" in query:
                labels = query["labelSelector"]
                found = asyncio.run(cluster.api.list(place.kind, place.namespace, label_selector=labels))
                return self._send(200, {"items": found.items})
            items, version = cluster.snapshots.of(place.kind, place.namespace, fields)
            return self._send(200, {"metadata": {"resourceVersion": version}, "items": items})

        def _watch(self, place, fields, version):
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            with contextlib.suppress(OSError):
                for line in cluster.snapshots.events(place.kind, place.namespace, fields, version):
                    self.wfile.write(f"{line}\n".encode() if line else b"")

        def _delete(self, place):
            if not asyncio.run(cluster.api.delete(place.kind, place.namespace, place.name)):
                return self._status(404, "NotFound", f"{place.name} not found")
            return self._send(200, {"kind": "Status", "status": "Success"})

        def _token(self, place):
            if place.key not in cluster.api.objects:
                return self._status(404, "NotFound", "serviceaccounts not found")
            status = {"token": "minted", "expirationTimestamp": "2099-01-01T00:00:00Z"}
            return self._send(201, {"status": status})

        def _apply(self, place, document):
            query = parse_qs(urlsplit(self.path).query)
            if cluster.apply_error is not None:
                return self._status(cluster.apply_error[0], "", cluster.apply_error[1])
            if cluster.conflicts and query["force"] == ["false"]:
                causes = [
                    {"reason": "FieldManagerConflict", "field": f, "message": m} for f, m in cluster.conflicts
                ]
                return self._send(
                    409, {"reason": "Conflict", "message": "conflict", "details": {"causes": causes}}
                )
            dry_run = "dryRun" in query
            answer = _applied(copy.deepcopy(cluster.api) if dry_run else cluster.api, place, document)
            if not dry_run:
                cluster.objects.remember(place.kind.path(place.namespace, place.name))
                cluster.after_apply(cluster.api.objects[place.key])
            return self._send(200, answer)

        def _gateway(self, path, body):
            token = self.headers.get("X-ServiceExecution-Authorization", "")
            if (
                cluster.gateway_tokens is not None
                and token.removeprefix("Bearer ") not in cluster.gateway_tokens
            ):
                return self._problem(401, "Unauthorized", "The token is not valid.")
            parts = path.strip("/").split("/")
            if "sources" in parts:
                return self._source(parts[-1], body)
            if "builds" in parts:
                return self._log(cluster.logs.get(parts[-2], []), plain=True)
            if parts[-1].startswith("usage"):
                return self._send(200, cluster.usage[parts[-2]])
            if parts[-1] == "log":
                return self._log(cluster.logs.get(parts[-2], []), plain=parts[0] == "api")
            if self.command == "POST":
                return self._submit(parts, body)
            return self._result(parts)

        def _source(self, digest, body):
            if self.command == "HEAD":
                return self._send(200 if digest in cluster.sources else 404, None)
            cluster.sources[digest] = body
            return self._send(201, {})

        def _log(self, lines, *, plain):
            if "follow" in self.path:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                seen = int(self.headers.get("Last-Event-ID") or -1)
                for number, line in list(enumerate(lines))[seen + 1 :]:
                    data = json.dumps(_entry(number, line))
                    self.wfile.write(f"id: {number}\ndata: {data}\n\n".encode())
                self.wfile.write(b"event: end\ndata: {}\n\n")
                self.close_connection = True
                return None
            entries = [_entry(number, line) for number, line in enumerate(lines)]
            if not plain:
                return self._send(200, entries)
            timed = "timestamps=true" in self.path
            shown = (f"{entry['timestamp']} " if timed else "" for entry in entries)
            return self._send(
                200, "".join(f"{time}{line}\n" for time, line in zip(shown, lines, strict=True))
            )

        def _submit(self, parts, body):
            if cluster.problem is not None:
                return self._problem(*cluster.problem)
            cluster.executions += 1
            name = f"00000000-0000-4000-8000-{cluster.executions:012}"
            found = cluster.execution(name, spec={"serviceRef": {"name": parts[2]}, "body": body.decode()})
            cluster.after_submit(found)
            return self._send(201, {"id": name})

        def _result(self, parts):
            if parts[-1] == "result":
                base = f"http://ignored/{'/'.join(parts)}"
                links = {name: {"href": f"{base}/{name}"} for name in cluster.files}
                document = {"_links": {"self": {"href": base}, **links}}
                if cluster.problem is not None:
                    document["detail"] = cluster.problem[2]
                return self._send(200, document)
            if parts[-1] == "files":
                return self._send(
                    200,
                    {"files": [{"path": name, "size": len(text)} for name, text in cluster.files.items()]},
                )
            name = path_below(parts)
            if name in cluster.files:
                return self._send(200, cluster.files[name])
            return self._send(200, {"id": parts[-1], "status": cluster.status, **cluster.status_members})

        def _problem(self, status, code, detail):
            self._send(status, {"detail": detail, "code": code})

        def _status(self, status, reason, message):
            self._send(status, {"kind": "Status", "reason": reason, "message": message})

        def _send(self, status, value):
            data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_):
            pass

    return Handler


def _entry(number, line):
    """Return a line of a log: the first is of 2026, each next one of a year later."""
    return {"message": line, "severity": "INFO", "timestamp": f"{2026 + number}-01-01T00:00:00.123456789Z"}


def _applied(api, place, document):
    """Apply a manifest on the server's side, as far as that is a merge."""
    old = api.objects.get(place.key)
    if old is None:
        return api.put(place.kind, document)
    new = copy.deepcopy(old)
    merge(new, document)
    return api.replace(place.kind, place.namespace, place.name, new)


def path_below(parts):
    for mark in ("result", "files"):
        if mark in parts:
            return "/".join(parts[parts.index(mark) + 1 :])
    return ""
