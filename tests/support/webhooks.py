"""An admission webhook as real clusters have them: a pod with a certificate, behind a Service of its own."""

import base64
import tempfile
from pathlib import Path
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from tests.support.certificates import write_certificate

IMAGE: Final = "docker.io/library/python:3.11-slim-bookworm"
REFUSAL: Final = "the webhook of a test says no"
_PORT: Final = 8443
_PROGRAM: Final = f"""
import http.server, json, ssl

class Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review["request"]
        answer = {{"uid": request["uid"], "allowed": "refused" not in request["name"]}}
        if not answer["allowed"]:
            answer["status"] = {{"message": {REFUSAL!r}}}
        body = json.dumps({{**review, "request": None, "response": answer}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
server = http.server.ThreadingHTTPServer(("", {_PORT}), Webhook)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def webhook(namespace: str, *, resource: str, group: str = "", alive: bool = True) -> list[JsonObject]:
    """Return the objects of a webhook that is asked of each new object of ``resource`` in ``namespace`` only.

    It refuses those with "refused" in their names. One that is not ``alive`` has a Service without a pod.
    """
    labels: JsonObject = {"webhook": namespace}
    with tempfile.TemporaryDirectory() as directory:
        write_certificate(Path(directory), f"webhook.{namespace}.svc")
        files = {name: (Path(directory) / name).read_bytes() for name in ("tls.crt", "tls.key")}
    encoded = {name: base64.b64encode(data).decode() for name, data in files.items()}
    service: JsonObject = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "webhook", "namespace": namespace},
        "spec": {"selector": labels, "ports": [{"port": 443, "targetPort": _PORT}]},
    }
    rule: JsonObject = {
        "operations": ["CREATE"],
        "apiGroups": [group],
        "apiVersions": ["*"],
        "resources": [resource],
    }
    configuration: JsonObject = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": namespace},
        "webhooks": [
            {
                "name": "webhook.serviceexecution.dev",
                "clientConfig": {
                    "service": {"namespace": namespace, "name": "webhook"},
                    "caBundle": encoded["tls.crt"],
                },
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "rules": [rule],
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "timeoutSeconds": 5,
                "admissionReviewVersions": ["v1"],
            }
        ],
    }
    pod: list[JsonObject] = _pod(namespace, labels, encoded) if alive else []
    return [*pod, service, configuration]


def _pod(namespace: str, labels: JsonObject, encoded: dict[str, str]) -> list[JsonObject]:
    metadata: JsonObject = {"name": "webhook", "namespace": namespace}
    secret: JsonObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "data": dict(encoded),
    }
    pod: JsonObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**metadata, "labels": labels},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "volumes": [{"name": "tls", "secret": {"secretName": "webhook"}}],
            "containers": [
                {
                    "name": "webhook",
                    "image": IMAGE,
                    "command": ["python3", "-c", _PROGRAM],
                    "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
                    "readinessProbe": {"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
                }
            ],
        },
    }
    return [secret, pod]
