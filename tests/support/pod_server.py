"""Servers of tests in pods, from a shell script: the builder's image has Python and Git."""

import base64
from collections.abc import Mapping
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.kube.kinds import CONFIG_MAPS, PODS
from tests.support.cluster import SERVICES, member
from tests.support.sandbox import Sandbox

BUILDER: Final = "ghcr.io/serviceexecution/builder:0.1.0"
NEW_REPOSITORY: Final = r"""
set -e
export HOME=/tmp GIT_CONFIG_GLOBAL=/tmp/gitconfig
git config --global user.email test@example.com && git config --global user.name test
git config --global init.defaultBranch main
mkdir -p /tmp/work /tmp/serve/git && cd /tmp/work && git init -q
printf 'FROM %s\nCMD ["sh", "-c", "printf 1 > /var/runtime/output/output.json"]\n' "$BASE" > Dockerfile
git add . && git commit -qm one
"""
"""Begins a script: a working copy with one commit, a project whose result is 1. ``BASE`` is its base image."""


def start_server(
    sandbox: Sandbox,
    name: str,
    script: str,
    *,
    port: int,
    variables: Mapping[str, str],
    files: Mapping[str, bytes] | None = None,
    image: str = BUILDER,
) -> str:
    """Run ``script`` with ``variables``, and ``files`` in ``/given``; return the host's name when it listens."""
    cluster, namespace = sandbox.cluster, sandbox.name
    given: JsonObject = {path: base64.b64encode(data).decode() for path, data in (files or {}).items()}
    cluster.create(CONFIG_MAPS, namespace, {"metadata": {"name": name}, "binaryData": given})
    environment: list[JsonValue] = [
        {"name": variable, "value": value.replace("$", "$$")} for variable, value in variables.items()
    ]
    spec: JsonObject = {
        "securityContext": {
            "runAsUser": 1000,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": name,
                "image": image,
                "command": ["sh", "-c", script],
                "env": environment,
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
                "volumeMounts": [{"name": "given", "mountPath": "/given"}],
            }
        ],
        "volumes": [{"name": "given", "configMap": {"name": name}}],
    }
    cluster.create(PODS, namespace, {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec})
    service: JsonObject = {"selector": {"app": name}, "ports": [{"port": port}]}
    cluster.create(SERVICES, namespace, {"metadata": {"name": name}, "spec": service})
    cluster.wait_for(PODS, namespace, name, is_ready, seconds=60, what=f"the server {name} is ready")
    return f"{name}.{namespace}.svc"


def is_ready(pod: JsonObject) -> bool:
    """Tell whether the pod has the condition Ready."""
    conditions = member(pod, "status", "conditions") or []
    assert isinstance(conditions, list)
    return any(member(one, "type") == "Ready" and member(one, "status") == "True" for one in conditions)
