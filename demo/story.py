"""The demo from beginning to end."""

import time
from contextlib import aclosing
from typing import Final

from demo import samples
from demo.errors import DemoError, within
from demo.gateway import OPERATOR_NAMESPACE, Gateway, find_kubectl, open_gateway
from demo.objects import changes, create_all, ensure_namespace, remove_all, selections
from demo.samples import EXECUTION, EXTRA_FILE, NAMESPACE, READER, SAMPLES, read_manifests
from demo.screen import Screen
from demo.status import check_content, check_log, check_result, find_file, shown, status_of
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_EXECUTIONS
from serviceexecution.resources.executions.execution_status import ExecutionStatus
from serviceexecution.resources.names import LABEL_EXECUTION_UID

CLEAN_SECONDS: Final = 120
PREPARE_SECONDS: Final = 180
FIRST_STATUS_SECONDS: Final = 120
RUN_SECONDS: Final = 300
POD_GONE_SECONDS: Final = 120
PODS_COMMAND: Final = f"kubectl -n {OPERATOR_NAMESPACE} get pods"


async def tell(client: KubernetesClient, screen: Screen) -> None:
    """Run the demo; raises DemoError or KubernetesError when anything is off."""
    began = time.monotonic()
    find_kubectl()
    major, minor = await client.server_version()
    screen.title("ServiceExecution demo", f"Kubernetes {major}.{minor}, namespace {NAMESPACE}")
    prepared = read_manifests(SAMPLES / "sum-prepare.yaml")
    execution = read_manifests(SAMPLES / "sum.yaml")
    await _prepare(client, screen, prepared, execution)
    status, uid = await _run(client, screen, execution)
    await _pod_gone(client, screen, uid)
    await _show_kept(screen, status)
    screen.heading(f"Everything is as it should be, after {time.monotonic() - began:.0f} s.")
    _show_next(screen)


async def _prepare(
    client: KubernetesClient, screen: Screen, prepared: list[JsonObject], execution: list[JsonObject]
) -> None:
    screen.heading("1. A Secret and a data pool with a file in it (manifests/samples/sum-prepare.yaml)")
    await ensure_namespace(client)
    with screen.waiting("removing what an earlier demo left"):
        async with within(CLEAN_SECONDS, "What an earlier demo left could not be removed"):
            removed = await remove_all(client, [*execution, *prepared])
    if removed:
        screen.note(f"removed {removed} objects of an earlier demo")
    await create_all(client, [*samples.access_manifests(), *prepared])
    with screen.waiting("filling the data pool"):
        async with within(
            PREPARE_SECONDS, "The Job sum-prepare did not end", f"kubectl -n {NAMESPACE} get events"
        ):
            await _job_complete(client, "sum-prepare")
    screen.good("Secret sum-credentials, PersistentVolumeClaim sum-weights")


async def _job_complete(client: KubernetesClient, name: str) -> None:
    async with aclosing(changes(client, JOBS, name)) as states:
        async for job in states:
            done = _conditions(job or {})
            if "Failed" in done:
                raise DemoError(f"The Job {name} failed; see: kubectl -n {NAMESPACE} describe job {name}")
            if "Complete" in done:
                return


def _conditions(item: JsonObject) -> set[str]:
    status = item.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return {
        str(condition.get("type"))
        for condition in (conditions if isinstance(conditions, list) else [])
        if isinstance(condition, dict) and condition.get("status") == "True"
    }


async def _run(
    client: KubernetesClient, screen: Screen, manifests: list[JsonObject]
) -> tuple[ExecutionStatus, str]:
    screen.heading("2. The execution (manifests/samples/sum.yaml)")
    started = time.monotonic()
    await create_all(client, manifests)
    with screen.waiting("waiting for the controller"):
        async with within(FIRST_STATUS_SECONDS, "The controller did not take the execution up", PODS_COMMAND):
            await _taken_up(client)
    with screen.waiting("waiting for the end"):
        async with within(
            RUN_SECONDS, "The execution did not end", f"kubectl -n {NAMESPACE} describe sx {EXECUTION}"
        ):
            status, uid = await _follow(client, screen, started)
    check_result(status)
    return status, uid


async def _taken_up(client: KubernetesClient) -> None:
    async with aclosing(changes(client, SERVICE_EXECUTIONS, EXECUTION)) as states:
        async for state in states:
            if shown(status_of(state or {})) is not None:
                return


async def _follow(client: KubernetesClient, screen: Screen, started: float) -> tuple[ExecutionStatus, str]:
    last = None
    async with aclosing(changes(client, SERVICE_EXECUTIONS, EXECUTION)) as states:
        async for state in states:
            if state is None:
                raise DemoError(f"Somebody deleted the execution {EXECUTION} while it ran.")
            status = status_of(state)
            now = shown(status)
            if now is not None and now != last:
                screen.phase(time.monotonic() - started, now.phase, now.reason, now.message)
                last = now
            if status.phase is not None and status.phase.terminal:
                metadata = state["metadata"]
                return status, str(metadata["uid"]) if isinstance(metadata, dict) else ""
    raise DemoError("The watch of the execution ended.")  # It never does: it begins anew


async def _pod_gone(client: KubernetesClient, screen: Screen, uid: str) -> None:
    screen.heading("3. Its pod goes, its log and its result stay")
    with screen.waiting("waiting until the pod is gone"):
        async with within(POD_GONE_SECONDS, "The pod and the Job of the ended execution did not go"):
            for kind in (PODS, JOBS):
                selected = selections(client, kind, label_selector=f"{LABEL_EXECUTION_UID}={uid}")
                async with aclosing(selected) as states:
                    async for objects in states:
                        if not objects:
                            break
    screen.good("no pod and no Job is left")


async def _show_kept(screen: Screen, status: ExecutionStatus) -> None:
    async with open_gateway(READER) as gateway:
        await _show_log(screen, status, gateway)
        screen.heading("5. The result")
        screen.quote(check_result(status))
        file = find_file(status, EXTRA_FILE)
        screen.heading(f"6. The extra file {file.name}, {file.media_type}")
        content = await gateway.read(EXECUTION, f"files/{file.name}")
        check_content(file, content)
        screen.quote(content.decode(errors="replace"))
        screen.good(f"{file.size} bytes with SHA-256 {file.sha256}, as the status says")


async def _show_log(screen: Screen, status: ExecutionStatus, gateway: Gateway) -> None:
    screen.heading("4. The log, from the gateway")
    text = (await gateway.read(EXECUTION, "log")).decode(errors="replace")
    check_log(status, text)
    screen.quote(text)
    screen.good(f"{len(text.splitlines())} lines, as the status says")


def _show_next(screen: Screen) -> None:
    screen.heading("What to try next")
    screen.command('eval "$(make -s env)"', "kubectl and helm for this cluster in your shell")
    screen.command(f"kubectl -n {NAMESPACE} get sx", "the execution is still there")
    screen.command(f"kubectl -n {NAMESPACE} describe sx {EXECUTION}", "all that is known of it")
    screen.command(
        f"kubectl -n {NAMESPACE} create -f manifests/samples/hello.yaml && kubectl -n {NAMESPACE} get sx -w",
        "run another sample and watch it; end with Ctrl-C",
    )
    screen.command("make test", "all tests")
    screen.command("make down", "remove the cluster")
