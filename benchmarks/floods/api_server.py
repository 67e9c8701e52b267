"""What a namespace's account does to the API server itself: our objects, and plain ones of Kubernetes as a control."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Final
from uuid import uuid4

import httpx

from benchmarks.floods.attacks import LARGE_VALUE, Attacker
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.configuration.api_server import find_api_server
from serviceexecution.kube.configuration.credentials import Credential
from serviceexecution.kube.configuration.tls import tls_context
from serviceexecution.kube.kinds import CONFIG_MAPS, JOBS, SERVICE_EXECUTIONS, ResourceKind
from serviceexecution.resources.names import API_GROUP, API_VERSION, KIND

_AT_ONCE: Final = 8
_EXECUTIONS_A_SECOND: Final = 50.0


async def new_executions(attacker: Attacker) -> None:
    """Create executions with kubectl's rights (controller 8e); they wait in their queue."""
    await _create(attacker, _EXECUTIONS_A_SECOND, SERVICE_EXECUTIONS, _execution)


async def plain_jobs(attacker: Attacker) -> None:
    """Create as many suspended Jobs: what Kubernetes does for each execution, without us."""
    await _create(attacker, attacker.rate, JOBS, _job)


async def plain_config_maps(attacker: Attacker) -> None:
    """Create as many ConfigMaps of a megabyte: what Kubernetes does for each large input, without us."""
    text = json.dumps(LARGE_VALUE["data"])
    await _create(attacker, attacker.rate, CONFIG_MAPS, lambda name: _config_map(name, text))


async def _create(
    attacker: Attacker, rate: float, kind: ResourceKind, manifest: Callable[[str], JsonObject]
) -> None:
    """Create objects as the attacker's account, ``rate`` a second or as many as the API server takes."""
    server = await find_api_server()
    path, tally, begun = kind.path(attacker.tenant.namespace), attacker.tally, time.monotonic()
    async with httpx.AsyncClient(
        base_url=server.cluster.server,
        # Without the kubeconfig's certificate, which would make an administrator of the attacker
        verify=tls_context(server.cluster, Credential()),
        headers={"Authorization": f"Bearer {attacker.tenant.token}"},
        timeout=60,
    ) as http:

        async def again() -> None:
            while True:
                due, tally.sent = begun + tally.sent / rate, tally.sent + 1
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                with contextlib.suppress(httpx.HTTPError):
                    tally.answered(str((await http.post(path, json=manifest(str(uuid4())))).status_code))

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(again())


def _execution(name: str) -> JsonObject:
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {"serviceRef": {"name": "waiting"}},
    }


def _job(name: str) -> JsonObject:
    container: JsonObject = {"name": "main", "image": "docker.io/library/busybox:1.35.0"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "suspend": True,
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    }


def _config_map(name: str, text: str) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "immutable": True,
        "data": {"data": text},
    }
